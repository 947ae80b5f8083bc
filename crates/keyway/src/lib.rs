//! A connector host: any OAuth2 API in one JSON file.
//!
//! A [`Host`] loads components, connects accounts, gets and keeps their tokens, and turns each [`Message`] into one
//! authenticated HTTP request and one result. Podio and Podero are built in; a folder adds more.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use keyway::{Credential, Host, Message};
//!
//! let host = Host::builder().components_dir("my-components").build()?;
//! let podio = host.connect(Credential::from_env("podio")?)?;
//! let answer = podio.send(Message::get("/user/status")).await?;
//! println!("{} {}", answer.status, answer.text().unwrap_or_default());
//! # Ok(())
//! # }
//! ```
//!
//! Connecting makes no request. An answer of 400 and above is a [`Failure`] that holds the [`Answer`]. Many messages go
//! through [`Host::run`], which gives one [`Outcome`] for each. Before the process ends, [`Host::close`] waits for
//! renewals that are under way.

mod admitted;
mod answer;
mod builder;
mod catalog;
mod certificate;
mod chain;
mod connection;
pub mod doctor;
mod failure;
mod gate;
mod host;
mod lines;
mod loaded;
mod merged;
mod message;
mod next_page;
mod observe;
mod outcome;
mod pace;
mod paged;
mod pages;
mod places;
mod prepared;
mod raw_json;
pub mod record;
pub mod replay;
mod run;
mod schemas;
mod settled;
mod sound_json;
mod token_headers;

pub use answer::{Answer, BodyKind};
pub use builder::{BuildError, HostBuilder};
pub use catalog::{CatalogError, component_files};
pub use chain::Explanation;
pub use connection::Connection;
pub use failure::{Attempt, Code, Failure, FailureParts, RequestSummary};
pub use gate::GateReason;
pub use host::{ConnectError, Host, OnLimit};
pub use keyway_component::{
    Checked, ClientFile, Component, CredentialFile, Fault, Faults, JsonTemplate, Origin, Redactor, Secret, SecretRef,
    Severity, Template, check_client, check_component, check_credential, client_schema, component, component_schema,
    credential, credential_schema, import, printable,
};
pub use keyway_http::{
    AttemptEnd, Body, Clock, HttpTransport, Jitter, NoJitter, Proxy, SendFuture, Transport, TransportOptions,
    WireAnswer, WireCall, WireFault, WireFaultKind,
};
pub use keyway_oauth::{
    Account, AccountError, AccountOrigin, Credential, CredentialError, CredentialFolder, ExpirySource, FileStore,
    Freshness, Grant, MemoryStore, OAuthAnswer, RenewalRule, Revocation, StoreError, Token, TokenError, TokenErrorKind,
    TokenSource, TokenStats, TokenStore, client_owner, grant_inputs, rfc3339, sign_in, store,
};
pub use lines::{Line, Lines};
pub use loaded::LoadedComponent;
pub use message::{Each, InvalidMessage, Message, Paginate, message_schema, parse as parse_message};
pub use observe::{Observer, Purpose};
pub use outcome::{Input, Outcome, Position, outcome_schema};
pub use raw_json::RawJson;
pub use run::Incoming;
pub use schemas::generated_schemas;
