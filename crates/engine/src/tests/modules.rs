//! The house of this crate: subjects stand in one order, and no modules import each other in a circle (design §2).
//!
//! Read from the sources: every `use`, and every path in the code that begins with `crate`, `super`, `self` or a child module. What a
//! `mod.rs` re-exports counts as imported by it, so a folder's shared things stand in files of their own.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The subjects. Each imports only what stands before it.
const ORDER: [&str; 9] =
    ["kernel", "audit", "outbox", "clients", "people", "oauth", "personal_data", "signing_keys", "sweeping"];

/// Imports against the order, and why; three at most.
const EXCEPTIONS: [(&str, &str, &str); 1] = [(
    "kernel::call",
    "clients::registry",
    "the engine holds the memory of clients and APIs, and the registry itself needs nothing but the store",
)];

type Graph = BTreeMap<String, BTreeSet<String>>;

fn list_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            list_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// `people/sign_in/mod.rs` is `people::sign_in`; the root is empty.
fn name_module(file: &Path) -> String {
    let mut names: Vec<_> = file.with_extension("").iter().map(|name| name.to_string_lossy().into_owned()).collect();
    if names.last().is_some_and(|name| name == "mod" || name == "lib") {
        names.pop();
    }
    names.join("::")
}

/// The source without comments, texts and the tests at its end.
fn strip(source: &str) -> String {
    let source = source.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    let mut code = String::with_capacity(source.len());
    for line in source.lines() {
        let mut in_text = false;
        let mut letters = line.char_indices().peekable();
        while let Some((at, letter)) = letters.next() {
            match letter {
                '\\' if in_text => {
                    letters.next();
                }
                '"' => in_text = !in_text,
                '/' if !in_text && line[at..].starts_with("//") => break,
                _ if in_text => {}
                _ => code.push(letter),
            }
        }
        code.push('\n');
    }
    code
}

/// The paths of a use tree, each as its names: `a::{b, c::d}` is `a::b` and `a::c::d`.
fn expand(prefix: &[String], tree: &str, paths: &mut Vec<Vec<String>>) {
    let mut depth = 0;
    let parts = tree.split(|letter: char| {
        depth += i32::from(letter == '{') - i32::from(letter == '}');
        letter == ',' && depth == 0
    });
    for part in parts.map(str::trim).filter(|part| !part.is_empty()) {
        let (head, inner) = part.split_once('{').unwrap_or((part, ""));
        let names = head.split(" as ").next().unwrap_or_default().split("::").map(str::trim);
        let path: Vec<String> =
            prefix.iter().cloned().chain(names.filter(|name| !name.is_empty()).map(str::to_owned)).collect();
        match inner.rsplit_once('}') {
            Some((inner, _)) => expand(&path, inner, paths),
            None => paths.push(path),
        }
    }
}

/// Every path that the code names.
fn list_paths(code: &str) -> Vec<Vec<String>> {
    let mut paths = Vec::new();
    let mut rest = String::new();
    for statement in code.split_inclusive(';') {
        let start = statement.rfind("use ").filter(|at| {
            let before = statement[..*at].trim_end();
            before.is_empty() || before.ends_with(['}', ']']) || before.ends_with("pub") || before.ends_with(')')
        });
        match start {
            Some(at) => {
                expand(&[], statement[at + 4..].trim_end_matches(';'), &mut paths);
                rest.push_str(&statement[..at]);
            }
            None => rest.push_str(statement),
        }
    }
    let is_part = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | ':');
    for word in rest.split(|letter: char| !is_part(letter)).filter(|word| word.contains("::")) {
        paths.push(word.split("::").filter(|name| !name.is_empty()).map(str::to_owned).collect());
    }
    paths
}

/// The module that a path within `me` leads to, if it is one of this crate.
fn resolve(path: &[String], me: &str, modules: &BTreeSet<String>) -> Option<String> {
    let mut base: Vec<String> = me.split("::").filter(|name| !name.is_empty()).map(str::to_owned).collect();
    let (first, mut rest) = path.split_first()?;
    match first.as_str() {
        "crate" => base.clear(),
        "self" => {}
        "super" => {
            base.pop();
            while rest.first().is_some_and(|name| name == "super") {
                base.pop();
                rest = &rest[1..];
            }
        }
        _ => rest = path,
    }
    let relative = !matches!(first.as_str(), "crate" | "self" | "super");
    let names: Vec<String> = base.iter().chain(rest).cloned().collect();
    let known = (base.len() + usize::from(relative)..=names.len()).rev();
    known.map(|length| names[..length].join("::")).find(|name| !name.is_empty() && modules.contains(name))
}

fn read_graph() -> Graph {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    list_files(&root, &mut files);
    let mut sources = BTreeMap::new();
    for file in files {
        let relative = file.strip_prefix(&root).expect("a file of ours");
        if !relative.starts_with("tests") {
            sources.insert(name_module(relative), fs::read_to_string(&file).expect("a source"));
        }
    }
    let modules: BTreeSet<String> = sources.keys().cloned().collect();
    let imports = |(me, source): (&String, &String)| {
        let paths = list_paths(&strip(source));
        let found: BTreeSet<String> = paths.iter().filter_map(|path| resolve(path, me, &modules)).collect();
        (me.clone(), found.into_iter().filter(|other| other != me).collect())
    };
    sources.iter().map(imports).collect()
}

/// A path from the module back to itself, if there is one.
fn find_circle(graph: &Graph, start: &str) -> Option<Vec<String>> {
    let mut from = BTreeMap::new();
    let mut waiting = vec![start.to_owned()];
    while let Some(module) = waiting.pop() {
        for next in graph.get(&module).into_iter().flatten() {
            if next == start {
                let mut circle = vec![next.clone(), module.clone()];
                while let Some(before) = from.get(circle.last()?) {
                    circle.push(String::clone(before));
                }
                circle.reverse();
                return Some(circle);
            }
            if !from.contains_key(next) {
                from.insert(next.clone(), module.clone());
                waiting.push(next.clone());
            }
        }
    }
    None
}

fn place(module: &str) -> Option<usize> {
    let subject = module.split("::").next().unwrap_or_default();
    ORDER.iter().position(|known| *known == subject)
}

#[test]
fn no_modules_import_each_other_in_a_circle() {
    let graph = read_graph();
    assert!(graph.len() > 70, "the sources were not found: {}", graph.len());
    for module in graph.keys() {
        let circle = find_circle(&graph, module);
        assert!(circle.is_none(), "a circle: {}", circle.unwrap_or_default().join(" -> "));
    }
}

#[test]
fn a_subject_imports_only_what_stands_before_it() {
    let graph = read_graph();
    let mut used = BTreeSet::new();
    for (module, imports) in &graph {
        if module.is_empty() {
            // what the crate's root re-exports is the kernel's, so that `crate::Call` hides no import
            assert!(imports.iter().all(|other| place(other).is_none_or(|place| place == 0)), "{imports:?}");
            continue;
        }
        let here = place(module).unwrap_or_else(|| panic!("{module} has no place in the order of subjects"));
        for other in imports {
            let there = place(other).unwrap_or_else(|| panic!("{other} has no place in the order of subjects"));
            let excepted = EXCEPTIONS.iter().position(|(from, to, _)| from == module && to == other);
            used.extend(excepted);
            assert!(there <= here || excepted.is_some(), "{module} must not import {other}");
        }
    }
    assert!(EXCEPTIONS.len() <= 3 && used.len() == EXCEPTIONS.len(), "an exception that nobody needs any more");
}

#[test]
fn paths_are_read_as_the_compiler_reads_them() {
    let modules: BTreeSet<String> = ["a", "a::b", "a::c", "a::c::d"].map(str::to_owned).into();
    let source = "// crate::a::b\nuse crate::a::{self, c::{d::X, Y}};\npub(crate) use super::b::Z;\n\
                  fn f() { let x = \"crate::a\"; d::g(); std::mem::swap(a, b); }\n";
    let found: BTreeSet<_> =
        list_paths(&strip(source)).iter().filter_map(|path| resolve(path, "a::c", &modules)).collect();
    assert_eq!(found, ["a", "a::b", "a::c", "a::c::d"].map(str::to_owned).into());
    let only = |source: &str, me: &str| -> Vec<String> {
        list_paths(&strip(source)).iter().filter_map(|path| resolve(path, me, &modules)).collect()
    };
    assert_eq!(only("fn f() { crate::a::b::go(); }", "a::c"), ["a::b"]);
    assert_eq!(only("fn f() -> Result<super::super::b::T> {}", "a::c::d"), ["a::b"]);
    assert_eq!(only("use std::a::b;", "a"), Vec::<String>::new());
}

#[test]
fn a_circle_is_found_however_long_it_is() {
    let graph = |edges: &[(&str, &str)]| {
        edges.iter().fold(Graph::new(), |mut graph, (from, to)| {
            graph.entry((*from).to_owned()).or_default().insert((*to).to_owned());
            graph
        })
    };
    let around = graph(&[("a", "b"), ("b", "c"), ("c", "a"), ("a", "d")]);
    assert_eq!(find_circle(&around, "a").map(|circle| circle.join(" ")), Some("a b c a".to_owned()));
    assert_eq!(find_circle(&around, "d"), None);
    assert_eq!(find_circle(&graph(&[("a", "b"), ("a", "c"), ("b", "c")]), "a"), None);
}
