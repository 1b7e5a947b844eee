//! `run`: the floors and Gatepost, measured in one go, because only figures of one run compare.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use tempfile::TempDir;

use crate::cli::RunArgs;
use crate::figures::Measurement;
use crate::fill::Size;
use crate::floor::{CLIENT_ID, CLIENT_SECRET, COMMITS, Mode};
use crate::gatepost::{self, Plan, Secrets, Setup, Template};
use crate::ops::{Load, Op};
use crate::postgres::{Cluster, find_programs};
use crate::procs::find_file_system;
use crate::report;
use crate::round::{Stand, run_round};
use crate::server::{find_free_port, run_program};
use crate::target::{Client, Counter, Program, Target};

/// What runs under a name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Floor(Mode),
    Gatepost { postgres: bool, setup: Setup, filled: bool },
}

/// One server of the suite.
struct Subject {
    name: &'static str,
    about: &'static str,
    kind: Kind,
}

const SUBJECTS: [Subject; 16] = [
    Subject {
        name: "floor-bare",
        about: "actix-web alone: the form is parsed, the answer is fixed",
        kind: Kind::Floor(Mode::Bare),
    },
    Subject {
        name: "floor-diesel-sqlite",
        about: "Basic, SHA-256, and a look-up by diesel on SQLite in the worker",
        kind: Kind::Floor(Mode::DieselSqlite),
    },
    Subject {
        name: "floor-rusqlite-batch-full",
        about: "Basic, SHA-256, and one writer that commits in batches to SQLite at synchronous=FULL",
        kind: Kind::Floor(Mode::RusqliteBatchFull),
    },
    Subject {
        name: "gatepost-sqlite",
        about: "Gatepost on SQLite",
        kind: Kind::Gatepost { postgres: false, setup: Setup::Default, filled: false },
    },
    Subject {
        name: "gatepost-sqlite-uncached",
        about: "the same, every introspection answered from the database",
        kind: Kind::Gatepost { postgres: false, setup: Setup::Uncached, filled: false },
    },
    Subject {
        name: "gatepost-sqlite-sweep",
        about: "the same, looking every second for what has ended",
        kind: Kind::Gatepost { postgres: false, setup: Setup::Sweeping, filled: false },
    },
    Subject {
        name: "gatepost-sqlite-filled",
        about: "Gatepost on SQLite with a filled database",
        kind: Kind::Gatepost { postgres: false, setup: Setup::Default, filled: true },
    },
    Subject {
        name: "gatepost-sqlite-uncached-filled",
        about: "the same, every introspection answered from the database",
        kind: Kind::Gatepost { postgres: false, setup: Setup::Uncached, filled: true },
    },
    Subject {
        name: "gatepost-sqlite-sweep-filled",
        about: "the same, looking every second for what has ended",
        kind: Kind::Gatepost { postgres: false, setup: Setup::Sweeping, filled: true },
    },
    Subject {
        name: "floor-diesel-pg-pool",
        about: "Basic, SHA-256, and PostgreSQL through diesel, r2d2 (4 connections) and web::block",
        kind: Kind::Floor(Mode::DieselPgPool),
    },
    Subject {
        name: "gatepost-postgres",
        about: "Gatepost on PostgreSQL",
        kind: Kind::Gatepost { postgres: true, setup: Setup::Default, filled: false },
    },
    Subject {
        name: "gatepost-postgres-uncached",
        about: "the same, every introspection answered from the database",
        kind: Kind::Gatepost { postgres: true, setup: Setup::Uncached, filled: false },
    },
    Subject {
        name: "gatepost-postgres-sweep",
        about: "the same, looking every second for what has ended",
        kind: Kind::Gatepost { postgres: true, setup: Setup::Sweeping, filled: false },
    },
    Subject {
        name: "gatepost-postgres-filled",
        about: "Gatepost on PostgreSQL with a filled database",
        kind: Kind::Gatepost { postgres: true, setup: Setup::Default, filled: true },
    },
    Subject {
        name: "gatepost-postgres-uncached-filled",
        about: "the same, every introspection answered from the database",
        kind: Kind::Gatepost { postgres: true, setup: Setup::Uncached, filled: true },
    },
    Subject {
        name: "gatepost-postgres-sweep-filled",
        about: "the same, looking every second for what has ended",
        kind: Kind::Gatepost { postgres: true, setup: Setup::Sweeping, filled: true },
    },
];

impl Subject {
    fn needs_postgres(&self) -> bool {
        matches!(self.kind, Kind::Floor(Mode::DieselPgPool) | Kind::Gatepost { postgres: true, .. })
    }

    fn is_filled(&self) -> bool {
        matches!(self.kind, Kind::Gatepost { filled: true, .. })
    }

    /// The name of the template that its database is a copy of.
    fn find_template(&self) -> Option<&'static str> {
        match self.kind {
            Kind::Floor(_) => None,
            Kind::Gatepost { postgres: false, filled: false, .. } => Some("template-sqlite-small"),
            Kind::Gatepost { postgres: false, filled: true, .. } => Some("template-sqlite-filled"),
            Kind::Gatepost { postgres: true, filled: false, .. } => Some("template-postgres-small"),
            Kind::Gatepost { postgres: true, filled: true, .. } => Some("template-postgres-filled"),
        }
    }
}

/// What there is in a database that is not filled: enough old tokens to measure them for a second or two.
const SMALL: Size = Size { users: 10_000, tokens: 50_000 };

/// What the subjects of one run share.
struct Bed {
    // before the folder in the order of dropping
    cluster: Option<Cluster>,
    folder: TempDir,
    gatepost: Option<PathBuf>,
    secrets: Secrets,
    templates: BTreeMap<&'static str, Template>,
    load: Load,
    starts: usize,
}

/// Measures everything that was asked for and reports.
pub(crate) fn run_suite(args: &RunArgs) -> Result<(), String> {
    let mut subjects = choose_subjects(args)?;
    let load = Load::from(&args.load);
    let mut measurement = Measurement { facts: report::list_facts(&load), ..Measurement::default() };
    let parent = args.data.clone().unwrap_or_else(find_data_parent);
    let mut bed = make_bed(args, &mut subjects, (&parent, load), &mut measurement)?;
    make_templates(args, &subjects, &mut bed, &mut measurement)?;
    let logs = bed.folder.path().join("logs");
    fs::create_dir_all(&logs).map_err(|error| format!("{}: {error}", logs.display()))?;
    measurement.targets =
        subjects.iter().map(|subject| (subject.name.to_string(), subject.about.to_string())).collect();
    for at in 0..bed.load.repeat {
        for subject in &subjects {
            eprintln!("round {} {}", at + 1, subject.name);
            let restarts = if at == 0 { bed.starts } else { 1 };
            let mut round = run_round(&mut make_stand(subject, &bed, restarts)?, &bed.load, &logs);
            round.round = at + 1;
            measurement.rounds.push(round);
            discard_data(subject, &bed);
        }
    }
    report::publish_report(&measurement, &args.load)
}

fn choose_subjects(args: &RunArgs) -> Result<Vec<&'static Subject>, String> {
    let only = &args.only;
    for name in only {
        if !SUBJECTS.iter().any(|subject| subject.name == name) {
            let names: Vec<&str> = SUBJECTS.iter().map(|subject| subject.name).collect();
            return Err(format!("--only {name}: there is no such server; there are: {}", names.join(", ")));
        }
    }
    let is_chosen = |subject: &&Subject| {
        if only.is_empty() { args.filled || !subject.is_filled() } else { only.iter().any(|name| name == subject.name) }
    };
    Ok(SUBJECTS.iter().filter(is_chosen).collect())
}

/// By convention this is on a disk, while the usual folder for temporary files may live in memory, where an fsync is free.
fn find_data_parent() -> PathBuf {
    let on_disk = Path::new("/var/tmp");
    if on_disk.is_dir() { on_disk.to_path_buf() } else { std::env::temp_dir() }
}

fn make_bed(
    args: &RunArgs,
    subjects: &mut Vec<&'static Subject>,
    (parent, load): (&Path, Load),
    measurement: &mut Measurement,
) -> Result<Bed, String> {
    let folder = tempfile::Builder::new().prefix("gatepost-bench-").tempdir_in(parent);
    let folder = folder.map_err(|error| format!("{}: {error}", parent.display()))?;
    let file_system = find_file_system(folder.path()).unwrap_or_else(|| "an unknown file system".into());
    if ["tmpfs", "ramfs"].contains(&file_system.as_str()) {
        let note = format!("The data was on {file_system}, where an fsync costs nothing: use --data.");
        measurement.notes.push(note);
    }
    measurement.facts.push(format!("data on {file_system}"));
    let gatepost = if subjects.iter().any(|subject| matches!(subject.kind, Kind::Gatepost { .. })) {
        let program = gatepost::find_program(args.gatepost.as_deref())?;
        let cmd = vec![program.display().to_string(), "--version".into()];
        let version = run_program(&Program { cmd, ..Program::default() }, "")?;
        measurement.facts.push(version.trim().to_string());
        Some(program)
    } else {
        None
    };
    let mut cluster = None;
    if subjects.iter().any(|subject| subject.needs_postgres()) {
        let started = if args.skip_postgres {
            Err("--skip-postgres".to_string())
        } else {
            let programs = args.postgres_bin.clone().map_or_else(find_programs, Ok);
            programs.and_then(|programs| Cluster::start(&programs, parent))
        };
        match started {
            Ok(started) => cluster = Some(started),
            Err(problem) => {
                let note = format!("Everything on PostgreSQL was left out: {problem}.");
                eprintln!("{note}");
                measurement.notes.push(note);
                subjects.retain(|subject| !subject.needs_postgres());
            }
        }
    }
    let (secrets, templates) = (Secrets::draw(), BTreeMap::new());
    Ok(Bed { cluster, folder, gatepost, secrets, templates, load, starts: args.starts })
}

impl Bed {
    fn make_plan(&self, name: &str, setup: Setup) -> Result<Plan<'_>, String> {
        let program = self.gatepost.as_deref().ok_or("the gatepost program was not looked for")?;
        Ok(Plan { program, folder: self.folder.path().join(name), setup, secrets: self.secrets.clone() })
    }
}

/// Fills each database once that the subjects begin with.
fn make_templates(
    args: &RunArgs,
    subjects: &[&'static Subject],
    bed: &mut Bed,
    measurement: &mut Measurement,
) -> Result<(), String> {
    for subject in subjects {
        let Some(name) = subject.find_template().filter(|name| !bed.templates.contains_key(name)) else { continue };
        eprintln!("{name}");
        let database = match &bed.cluster {
            Some(cluster) if subject.needs_postgres() => Some(cluster.make_database(name)?),
            _ => None,
        };
        let size = if subject.is_filled() { Size::from(&args.size) } else { SMALL };
        let template = bed.make_plan(name, Setup::Default)?.make_template(find_free_port()?, database, size)?;
        let fact = format!("{} people and {} tokens in {}", size.users, size.tokens, &name["template-".len()..]);
        measurement.facts.push(fact);
        bed.templates.insert(name, template);
    }
    Ok(())
}

/// Gives back the disk: each copy of a filled database takes gigabytes.
fn discard_data(subject: &Subject, bed: &Bed) {
    let dropped = match &bed.cluster {
        Some(cluster) if subject.needs_postgres() => cluster.drop_database(subject.name),
        _ => Ok(()),
    };
    // a floor that keeps nothing has no folder
    drop(fs::remove_dir_all(bed.folder.path().join(subject.name)));
    if let Err(problem) = dropped {
        eprintln!("  {problem}");
    }
}

fn make_stand<'a>(subject: &'a Subject, bed: &'a Bed, restarts: usize) -> Result<Stand<'a>, String> {
    let target = Target { name: subject.name.into(), about: subject.about.into(), ..Target::default() };
    let folder = bed.folder.path().join(subject.name);
    let cluster = bed.cluster.as_ref().filter(|_| subject.needs_postgres());
    let db_pid = cluster.and_then(Cluster::pid);
    match subject.kind {
        Kind::Floor(mode) => Ok(Stand {
            target,
            prepare: Box::new(move |target| {
                target.db_pid = db_pid;
                let database = cluster.map(|cluster| cluster.make_database(subject.name)).transpose()?;
                prepare_floor(mode, &folder, database, target)
            }),
            set_up: Box::new(|_| Ok(())),
            restarts: 0,
        }),
        Kind::Gatepost { setup, .. } => {
            let name = subject.find_template().ok_or("a subject without a template")?;
            let template = bed.templates.get(name).ok_or("a template was not made")?;
            let plan = bed.make_plan(subject.name, setup)?;
            let people = if setup == Setup::Default { bed.load.connections } else { 0 };
            let same_plan = plan.clone();
            Ok(Stand {
                target,
                prepare: Box::new(move |target| {
                    target.db_pid = db_pid;
                    let database = cluster.map(|cluster| cluster.copy_database(name, subject.name)).transpose()?;
                    plan.prepare_target(template, database, target)
                }),
                set_up: Box::new(move |target| gatepost::sign_people_in(&same_plan, target, people)),
                restarts,
            })
        }
    }
}

/// Describes a floor, which is this program itself under another command, on an empty folder.
fn prepare_floor(mode: Mode, folder: &Path, postgres: Option<String>, target: &mut Target) -> Result<(), String> {
    let fail = |error: std::io::Error| format!("{}: {error}", folder.display());
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(fail)?;
    }
    fs::create_dir_all(folder).map_err(fail)?;
    let port = find_free_port()?;
    let own = std::env::current_exe().map_err(|error| format!("this program's own path: {error}"))?;
    let name = mode.to_possible_value().map(|value| value.get_name().to_string()).unwrap_or_default();
    let data = folder.join("floor.db").display().to_string();
    let cmd = vec![own.display().to_string(), "floor".into(), name, format!("--port={port}"), format!("--data={data}")];
    let env = postgres.map(|url| ("FLOOR_POSTGRES".to_string(), url)).into_iter().collect();
    target.start = Some(Program { cmd, env, ..Program::default() });
    target.ready_url = format!("http://127.0.0.1:{port}/ready");
    target.endpoints.token = format!("http://127.0.0.1:{port}/token");
    target.endpoints.introspection = format!("http://127.0.0.1:{port}/introspect");
    target.cc = Some(Client {
        id: CLIENT_ID.into(),
        secret: CLIENT_SECRET.into(),
        auth: "basic".into(),
        scope: "api".into(),
        ..Client::default()
    });
    target.commits = Some(Counter { url: format!("http://127.0.0.1:{port}/metrics"), name: COMMITS.into() });
    target.ops = match mode {
        // these answer every token alike
        Mode::Bare | Mode::Hash => vec![Op::ClientCredentials, Op::IntrospectActive],
        _ => vec![Op::ClientCredentials, Op::IntrospectActive, Op::IntrospectUnknown],
    };
    Ok(())
}
