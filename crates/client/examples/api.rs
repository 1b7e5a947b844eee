//! An API that lets the server decide about tokens.
//! `API_SECRET=gp_cs_… cargo run -p gatepost-client --features actix --example api`

use std::error::Error;

use actix_web::{App, HttpServer, Responder, get, post, web};
use gatepost_client::actix::{Authorized, BearerSettings, RequiredScopes};
use gatepost_client::{ClientIdentity, IntrospectionOptions, Introspector};

struct ReadNotes;

impl RequiredScopes for ReadNotes {
    const SCOPES: &'static [&'static str] = &["notes:read"];
}

struct WriteNotes;

impl RequiredScopes for WriteNotes {
    const SCOPES: &'static [&'static str] = &["notes:write"];
}

#[get("/notes")]
async fn list_notes(caller: Authorized<ReadNotes>) -> impl Responder {
    format!("These are the notes of {}.\n", caller.subject)
}

#[post("/notes")]
async fn add_note(caller: Authorized<WriteNotes>, text: String) -> impl Responder {
    format!("{} wrote {} bytes.\n", caller.subject, text.len())
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let api = ClientIdentity::confidential("sample-api", std::env::var("API_SECRET")?);
    let options = IntrospectionOptions::new("http://localhost:8480", api, "http://localhost:8484");
    let settings = web::Data::new(BearerSettings::new(Introspector::new(options)?).with_realm("notes"));
    println!("http://localhost:8484/notes");
    HttpServer::new(move || App::new().app_data(settings.clone()).service(list_notes).service(add_note))
        .workers(1)
        .bind(("127.0.0.1", 8484))?
        .run()
        .await?;
    Ok(())
}
