//! Keeps `docs/spec-map.md`: each item of the specifications with the tests that prove it, or with the reason why there is none.
//!
//! `tests/spec-map` writes the file; the test here fails when it is stale or when a MUST has neither a test nor a reason.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

#[derive(Deserialize)]
struct Items {
    part: Vec<Part>,
}

/// The items of one specification.
#[derive(Deserialize)]
struct Part {
    title: String,
    /// where its tests are; other rules of the house use the same letters
    #[serde(default)]
    only_in: Vec<String>,
    item: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    id: String,
    level: String,
    text: String,
    why_not: Option<String>,
    /// tests whose names begin otherwise
    #[serde(default)]
    also: Vec<String>,
}

/// A test: its file and its name.
type Found = (String, String);

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests is in the repository").to_owned()
}

fn collect_files(folder: &Path, files: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> =
        fs::read_dir(folder).expect("the folder is there").map(|entry| entry.expect("an entry").path()).collect();
    entries.sort();
    for path in entries {
        let is_code = path.extension().is_some_and(|extension| extension == "rs");
        match path.is_dir() {
            true if path.ends_with("node_modules") || path.ends_with("target") => {}
            true => collect_files(&path, files),
            false if is_code => files.push(path),
            false => {}
        }
    }
}

/// The functions of a file that are tests: behind `#[test]`, or within `for_each_database!`.
fn find_tests(text: &str) -> Vec<String> {
    let mut tests = Vec::new();
    let mut is_test = false;
    for line in text.lines().map(str::trim) {
        match line.strip_prefix("fn ").and_then(|rest| rest.split_once('(')) {
            Some((name, rest)) if is_test || rest.starts_with("database)") => tests.push(name.to_owned()),
            _ => {}
        }
        // attributes may stand between `#[test]` and its function
        is_test = line == "#[test]" || line.ends_with("::test]") || (is_test && line.starts_with('#'));
    }
    tests
}

fn find_all_tests() -> BTreeSet<Found> {
    let root = repository();
    let mut files = Vec::new();
    collect_files(&root.join("crates"), &mut files);
    collect_files(&root.join("tests"), &mut files);
    let tests_of = |file: &PathBuf| {
        let shown = file.strip_prefix(&root).expect("below the repository").display().to_string();
        let text = fs::read_to_string(file).expect("it is text");
        find_tests(&text).into_iter().map(move |name| (shown.clone(), name))
    };
    files.iter().flat_map(tests_of).collect()
}

/// Writes the document, and lists what is missing.
fn make_map(items: &Items, tests: &BTreeSet<Found>) -> (String, Vec<String>) {
    let mut map = String::from(
        "# The specifications and their tests\n\n\
         Written by `tests/spec-map` from `tests/spec/items.toml` and the names of the tests: a test that begins with `p_02_` proves P-02.\n\
         Tests below `tests` run on SQLite and on PostgreSQL.\n",
    );
    let mut missing = Vec::new();
    for part in &items.part {
        write!(map, "\n## {}\n\n| item | level | what | tests, or why not |\n|---|---|---|---|\n", part.title)
            .expect("text");
        for item in &part.item {
            let prefix = format!("{}_", item.id.to_lowercase().replace('-', "_"));
            let is_here = |(file, name): &&Found| {
                let in_place = part.only_in.is_empty() || part.only_in.iter().any(|place| file.starts_with(place));
                (in_place && name.starts_with(&prefix)) || item.also.contains(name)
            };
            let mut proofs: Vec<String> =
                tests.iter().filter(is_here).map(|(file, name)| format!("`{name}` ({file})")).collect();
            for name in item.also.iter().filter(|name| !tests.iter().any(|(_, known)| known == *name)) {
                missing.push(format!("{}: there is no test {name}", item.id));
            }
            if proofs.is_empty() && item.why_not.is_none() {
                match item.level.as_str() {
                    "MUST" | "MUST NOT" => missing.push(format!("{} has neither a test nor a reason", item.id)),
                    _ => proofs.push("–".to_owned()),
                }
            }
            proofs.extend(item.why_not.clone());
            let text = item.text.replace('|', "\\|");
            writeln!(map, "| {} | {} | {text} | {} |", item.id, item.level, proofs.join("<br>")).expect("text");
        }
    }
    (map, missing)
}

#[test]
fn the_map_of_the_specifications_is_complete_and_fresh() {
    let root = repository();
    let text = fs::read_to_string(root.join("tests/spec/items.toml")).expect("the items are there");
    let items: Items = toml::from_str(&text).expect("the items are TOML");
    let mut ids = BTreeSet::new();
    for item in items.part.iter().flat_map(|part| &part.item) {
        assert!(ids.insert(&item.id), "{} is there twice", item.id);
    }
    let (map, missing) = make_map(&items, &find_all_tests());
    let file = root.join("docs/spec-map.md");
    if std::env::var("GATEPOST_WRITE_SPEC_MAP").as_deref() == Ok("1") {
        fs::write(&file, &map).expect("the map is written");
    }
    assert!(missing.is_empty(), "{missing:#?}");
    let kept = fs::read_to_string(&file).unwrap_or_default();
    assert!(kept == map, "docs/spec-map.md is stale: run tests/spec-map");
}

#[test]
fn tests_are_found_in_both_forms() {
    let text = "#[test]\nfn p_01_a() {}\nfn helper(x: i32) {}\n    #[test]\n    #[expect(x)]\n    fn p_02_b() {}\nfor_each_database! {\n    fn p_03_c(database) {\n";
    assert_eq!(find_tests(text), ["p_01_a", "p_02_b", "p_03_c"]);
}
