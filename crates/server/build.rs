//! Collects the templates and texts that lie beside their pages, so that nobody keeps a list of them.
//!
//! Every `*.html`, every `en.toml` and, for the tests, every `samples.rs` below the folders of [`ROOTS`] goes into
//! `$OUT_DIR/collected.rs`. Two templates of one name (an operator's override goes by the name) and two texts of one key stop
//! the build.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// Where templates and texts lie.
const ROOTS: [&str; 2] = ["src/pages", "src/outbox"];

/// Languages whose texts are looked for: `en.toml`.
const LANGUAGES: [&str; 1] = ["en"];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let crate_root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let mut files = Vec::new();
    for root in ROOTS {
        println!("cargo::rerun-if-changed={root}");
        list_files(&crate_root, Path::new(root), &mut files)?;
    }
    files.sort();
    let mut code = String::from("/// The templates that are built in, by file name.\n");
    let templates = collect_templates(&files)?;
    write_table(
        &mut code,
        "TEMPLATES",
        "&[(&str, &str)]",
        templates.iter().map(|(name, file)| (name.as_str(), *file)),
    )?;
    let texts = collect_texts(&crate_root, &files)?;
    code.push_str("/// The texts that are built in: language and file.\n");
    write_table(&mut code, "TEXTS", "&[(&str, &str)]", texts.into_iter())?;
    write_samples(&mut code, &files)?;
    fs::write(Path::new(&env::var("OUT_DIR")?).join("collected.rs"), code)?;
    Ok(())
}

/// All files below a folder.
fn list_files(crate_root: &Path, folder: &Path, files: &mut Vec<String>) -> io::Result<()> {
    for entry in fs::read_dir(crate_root.join(folder))? {
        let path = folder.join(entry?.file_name());
        if crate_root.join(&path).is_dir() {
            list_files(crate_root, &path, files)?;
        } else {
            files.push(path.to_string_lossy().into_owned());
        }
    }
    Ok(())
}

fn file_name(file: &str) -> &str {
    file.rsplit('/').next().unwrap_or_default()
}

fn collect_templates(files: &[String]) -> Result<BTreeMap<String, &str>, String> {
    let mut found: BTreeMap<String, &str> = BTreeMap::new();
    for file in files.iter().filter(|file| file.ends_with(".html")) {
        if let Some(other) = found.insert(file_name(file).to_owned(), file) {
            return Err(format!("two templates have one name: {other} and {file}"));
        }
    }
    Ok(found)
}

fn collect_texts<'f>(crate_root: &Path, files: &'f [String]) -> Result<Vec<(&'static str, &'f str)>, String> {
    let mut found = Vec::new();
    for language in LANGUAGES {
        let mut known: BTreeMap<String, &str> = BTreeMap::new();
        let wanted = format!("{language}.toml");
        for file in files.iter().filter(|file| file_name(file) == wanted) {
            let source = fs::read_to_string(crate_root.join(file)).map_err(|error| format!("{file}: {error}"))?;
            for key in list_keys(&source) {
                if let Some(other) = known.insert(key.clone(), file) {
                    return Err(format!("the text {key} is in {other} and in {file}"));
                }
            }
            found.push((language, file.as_str()));
        }
    }
    Ok(found)
}

/// The keys of a file of texts. Such files have tables and one text a line; whether they are TOML is found out by a unit test.
fn list_keys(source: &str) -> Vec<String> {
    let mut table = "";
    let mut keys = Vec::new();
    for line in source.lines() {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            table = name;
        } else if let Some((key, _)) = line.split_once('=').filter(|_| !line.starts_with('#')) {
            keys.push(format!("{table}.{}", key.trim()));
        }
    }
    keys
}

/// What each `samples.rs` beside a page adds to the pages that the tests of rendering look at.
fn write_samples(code: &mut String, files: &[String]) -> std::fmt::Result {
    writeln!(code, "/// Makes the samples of the pages that have a `samples.rs`.")?;
    writeln!(code, "#[cfg(test)]")?;
    writeln!(
        code,
        "pub(crate) const SAMPLES: &[fn(&mut crate::pages::kit::render::tests::samples::Samples<'_>)] = &["
    )?;
    for file in files.iter().filter(|file| file_name(file) == "samples.rs" && !file.contains("/tests/")) {
        let module = file.trim_start_matches("src/").trim_end_matches(".rs").replace('/', "::");
        writeln!(code, "    crate::{module}::add_samples,")?;
    }
    writeln!(code, "];")
}

fn write_table<'f>(
    code: &mut String,
    name: &str,
    kind: &str,
    rows: impl Iterator<Item = (&'f str, &'f str)>,
) -> std::fmt::Result {
    writeln!(code, "pub(crate) const {name}: {kind} = &[")?;
    for (key, file) in rows {
        writeln!(code, "    ({key:?}, include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/{file}\"))),")?;
    }
    writeln!(code, "];")
}
