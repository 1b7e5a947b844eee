//! `gatepost serve`: from nothing to answering, and what it prints on the way (ux: transcripts).

use std::path::{Path, PathBuf};
use std::time::Instant;

use actix_web::web::Data;
use clap::Args;
use gatepost_engine::Error;
use gatepost_engine::clients::declared::{Declared, reconcile_declared};
use gatepost_engine::people::setup::make_setup_link;
use gatepost_store::Role;

use crate::commands::output::program_name;
use crate::http::state::State;
use crate::operations::telemetry::start_logging;
use crate::outbox::email::{Mailer, start_sending};
use crate::pages;
use crate::pages::kit::render::Pages;
use crate::process::dev;
use crate::process::serve::{bind_listener, start_background_work, start_metrics_server, start_server, stop_on_signal};
use crate::process::startup::{Installation, Made, StartFault, make_declared, open_installation};
use crate::settings::mail::MailServer;
use crate::settings::{Loaded, Settings};

/// `gatepost serve …`
#[derive(Args, Debug)]
pub(crate) struct ServeArgs {
    /// Listen on this port of 127.0.0.1, whatever the settings say
    #[arg(long, value_name = "N")]
    pub(crate) port: Option<u16>,
    /// A folder with templates that replace the built-in ones
    #[arg(long, value_name = "FOLDER")]
    templates: Option<PathBuf>,
}

/// Runs the server until it is told to stop; the exit code.
pub(crate) async fn run_serve(args: ServeArgs, loaded: Loaded, dev: bool) -> i32 {
    let began = Instant::now();
    start_logging(&loaded.settings.log);
    match serve(args, loaded, dev, began).await {
        Ok(()) => 0,
        Err(fault) => {
            eprintln!("error: {fault}");
            if fault.0.contains("is in use") {
                eprintln!("\nTry: {} serve {}--port 8490", program_name(), if dev { "--dev " } else { "" });
            }
            1
        }
    }
}

fn io_fault(error: &std::io::Error) -> StartFault {
    StartFault(error.to_string())
}

async fn serve(args: ServeArgs, loaded: Loaded, dev: bool, began: Instant) -> Result<(), StartFault> {
    let settings = loaded.settings;
    // first of all: a second server must not touch the data of the first
    let listener = bind_listener(&settings).map_err(StartFault)?;
    let port = listener.local_addr().map_err(|error| io_fault(&error))?.port();
    let (installation, made) = open_installation(&settings, Role::Server).await?;
    let mut declared = make_declared(&settings);
    let samples = if dev { Some(dev::bind_samples(port).map_err(|error| io_fault(&error))?) } else { None };
    let folder = data_folder(&settings);
    let secrets = if dev { Some(dev::load_secrets(&installation, &folder)?) } else { None };
    if let (Some(secrets), Some(samples)) = (&secrets, &samples) {
        add_samples(&mut declared, dev::declare_samples(secrets, samples));
        dev::seed_person(&installation, secrets).await?;
    }
    apply_declared(&installation, declared).await?;
    let setup_link = if dev { None } else { offer_setup_link(&installation).await? };

    let base = installation.engine.issuer.path();
    let pages =
        Pages::new(&settings.brand, base, args.templates.as_deref(), &pages::list_menu()).map_err(StartFault)?;
    let mailer = Mailer::new(&settings, &installation.engine.issuer).map_err(StartFault)?;
    let first_run = made.database;
    let report = Report { made, warnings: loaded.warnings, setup_link, first_run, folder };
    let state = Data::new(State::new(installation.clone(), settings, pages, dev).map_err(StartFault)?);
    let server = start_server(&state, listener).map_err(|error| io_fault(&error))?;
    let mut handles = vec![server.handle()];
    if let Some(metrics) = start_metrics_server(&state).map_err(|error| io_fault(&error))? {
        handles.push(metrics.handle());
        actix_web::rt::spawn(metrics);
    }
    match (secrets, samples) {
        (Some(secrets), Some(samples)) => {
            report.print_dev(&state, &secrets, &samples);
            handles.extend(dev::start_samples(&installation, &secrets, samples).map_err(|error| io_fault(&error))?);
        }
        _ => report.print_production(&state),
    }
    start_background_work(&state);
    if let Some(mailer) = mailer {
        start_sending(&state, mailer);
    }
    stop_on_signal(&state, handles);
    println!("\nReady in {:.1} s.{}", began.elapsed().as_secs_f64(), if dev { " Stop with Ctrl-C." } else { "" });
    let ended = server.await.map_err(|error| io_fault(&error));
    // what is on its way to the mail server would be sent twice if it were left
    let patience = state.settings.server.shutdown_timeout.as_duration();
    drop(tokio::time::timeout(patience, state.mail.close()).await);
    ended
}

/// Where the database and the master key are, for people.
fn data_folder(settings: &Settings) -> PathBuf {
    Path::new(&settings.security.master_key_path).parent().unwrap_or(Path::new(".")).to_owned()
}

/// What the settings declare wins over a sample of the same id.
fn add_samples(declared: &mut Declared, samples: Declared) {
    for client in samples.clients {
        if !declared.clients.iter().any(|known| known.spec.client_id == client.spec.client_id) {
            declared.clients.push(client);
        }
    }
    for server in samples.resource_servers {
        if !declared.resource_servers.iter().any(|known| known.spec.id == server.spec.id) {
            declared.resource_servers.push(server);
        }
    }
}

async fn apply_declared(installation: &Installation, declared: Declared) -> Result<(), StartFault> {
    let call = installation.call();
    let outcome = installation.store.write(move |tx| reconcile_declared(&call, tx, &declared)).await;
    outcome.map_err(|error: Error| StartFault(error.to_string()))?.map_err(|fault| StartFault(fault.to_string()))
}

async fn offer_setup_link(installation: &Installation) -> Result<Option<String>, StartFault> {
    let call = installation.call();
    Ok(installation.store.write(move |tx| make_setup_link(&call, tx)).await?)
}

/// What there is to say at the start.
struct Report {
    made: Made,
    warnings: Vec<String>,
    setup_link: Option<String>,
    first_run: bool,
    folder: PathBuf,
}

impl Report {
    fn print_dev(&self, state: &State, secrets: &dev::DevSecrets, samples: &dev::Samples) {
        let issuer = state.installation.engine.issuer.as_str();
        let new = if self.first_run { "new; delete it to start over" } else { "kept from the last run" };
        println!("Gatepost {}, development mode: loopback only, not for production\n", env!("CARGO_PKG_VERSION"));
        println!("  Sign in      {issuer}         {} / {}", dev::EMAIL, secrets.password);
        println!("  Admin        {issuer}/admin   (same account)");
        println!("  Sample app   {}         signs people in through Gatepost", samples.app_url);
        println!("  Sample API   {}/notes   asks Gatepost about every token", samples.api_url);
        println!("  Data         {}/  ({new})", self.folder.display());
        if state.settings.mail.smtp_url == Some(MailServer::Print) {
            println!("  Mail         printed here, not sent");
        }
        println!("\n  Now, in a second terminal:");
        let (program, option) = (program_name(), issuer_option(issuer));
        println!("    {program} login{option}");
        println!("    curl -H \"Authorization: Bearer $({program} token{option})\" {}/notes", samples.api_url);
        self.print_warnings();
    }

    fn print_production(&self, state: &State) {
        let issuer = state.installation.engine.issuer.as_str();
        let listen = state.settings.server.listen.0;
        if self.setup_link.is_none() && !self.first_run {
            println!("Gatepost {} at {issuer}", env!("CARGO_PKG_VERSION"));
            self.print_warnings();
            warn_without_mail(&state.settings);
            return;
        }
        println!("Gatepost {}", env!("CARGO_PKG_VERSION"));
        if self.made.database {
            println!("  made     database      {}", state.settings.database.url.url().redacted());
        }
        if let Some(path) = &self.made.master_key {
            let path = path.display();
            println!("  made     master key    {path} (0600). Back it up: without it, stored keys cannot be read");
        }
        if !self.made.keys.is_empty() {
            println!("  made     signing keys  {}", self.made.keys.join(" and "));
        }
        self.print_warnings();
        warn_without_mail(&state.settings);
        let proxy = if issuer.starts_with("https://") { ", plain HTTP: your proxy must add TLS" } else { "" };
        println!("  public   {issuer}    listening on {listen}{proxy}");
        if let Some(link) = &self.setup_link {
            println!("\n  Create the first administrator. The link works once, for 24 hours:");
            println!("    {link}   (lost it? {} admin setup-link)", program_name());
        }
    }

    fn print_warnings(&self) {
        for warning in &self.warnings {
            println!("  warning  {warning}");
        }
    }
}

/// What people cannot do while there is no mail server; nothing weaker is in force, so it is no warning of the settings.
fn warn_without_mail(settings: &Settings) {
    if settings.mail.smtp_url.is_none() {
        println!(
            "  warning  mail          not set: sign-in links, resets and mailed invitations are off (mail.smtp_url)"
        );
    }
}

/// Commands look at the usual address by themselves.
fn issuer_option(issuer: &str) -> String {
    if issuer == "http://localhost:8480" { String::new() } else { format!(" --issuer {issuer}") }
}
