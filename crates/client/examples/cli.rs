//! A command-line program: signs in when it must, then asks an API. `cargo run -p gatepost-client --example cli`

use std::error::Error;

use gatepost_client::{ClientIdentity, LoginEvent, LoginOptions, Session, TokenStore, log_in, reqwest};

const SERVER: &str = "http://localhost:8480";
const API: &str = "http://localhost:8482/notes";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let me = ClientIdentity::public("gatepost-cli");
    let session = Session::new(SERVER, me.clone(), TokenStore::for_app("gatepost-example")?);

    match session.access_token().await {
        Err(error) if error.needs_login() => {
            let tokens = log_in(&LoginOptions::new(SERVER, me), tell_person).await?;
            let place = session.keep(tokens).await?;
            eprintln!("Signed in. Tokens are kept in {place}.");
        }
        other => {
            other?;
        }
    }

    // after a 401 this renews the token once and tries again
    let response = session.send(reqwest::Client::new().get(API)).await?;
    println!("{}", response.text().await?);
    Ok(())
}

fn tell_person(event: LoginEvent<'_>) {
    match event {
        LoginEvent::BrowserOpened { url } => eprintln!("Opening your browser. No window? Open this: {url}"),
        LoginEvent::BrowserNotOpened { url, reason } => eprintln!("No browser ({reason}). Open this: {url}"),
        LoginEvent::OpenYourself { url, .. } => eprintln!("Open this: {url}"),
        _ => {}
    }
}
