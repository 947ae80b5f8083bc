//! The connections of a host, and which of them a message means.

use std::{collections::HashMap, sync::Arc};

use keyway_oauth::Account;

use crate::{
    connection::Connection,
    failure::{Code, Failure},
    places::Places,
    prepared::Prepared,
};

/// Names are listed up to this many: a run may have thousands of accounts.
const MOST_NAMES: usize = 10;

/// The connections that were made, findable by name. A thousand accounts cost a message no more than one.
#[derive(Default)]
pub(crate) struct Connections {
    all: Vec<Connection>,
    /// Places in `all`, by the credential's name; one each for every component.
    by_name: HashMap<String, Vec<usize>>,
    /// Places in `all`, by the component's name.
    by_component: HashMap<String, Vec<usize>>,
}

// === impl Connections ===

impl Connections {
    /// Adds a connection, unless there is one of its component and name.
    pub(crate) fn add(&mut self, connection: Connection) -> bool {
        let (component, name) = (connection.component_name().to_owned(), connection.credential_name().to_owned());
        let of_name = self.by_name.entry(name).or_default();
        if of_name.iter().any(|at| self.all.get(*at).is_some_and(|known| known.component_name() == component)) {
            return false;
        }
        let at = self.all.len();
        of_name.push(at);
        self.by_component.entry(component).or_default().push(at);
        self.all.push(connection);
        true
    }

    /// Where an account's messages may go, and what its requests have in common. Thousands of accounts have their URLs
    /// and headers in common, and then share them too.
    pub(crate) fn shared(&self, account: &mut Account, prepared: Prepared) -> (Arc<Places>, Arc<Prepared>) {
        let like = self.by_component.get(&account.component.name).and_then(|places| self.all.get(*places.first()?));
        let places = match like.filter(|like| like.account().endpoints == account.endpoints) {
            Some(like) => {
                account.endpoints = Arc::clone(&like.account().endpoints);
                Arc::clone(like.places())
            }
            None => Arc::new(Places::of(&account.endpoints)),
        };
        let prepared = match like.filter(|like| **like.prepared() == prepared) {
            Some(like) => Arc::clone(like.prepared()),
            None => Arc::new(prepared),
        };
        (places, prepared)
    }

    pub(crate) fn all(&self) -> &[Connection] {
        &self.all
    }

    /// The connection that a message means: the one of that name and component, or the only one that it can be.
    pub(crate) fn route(&self, component: Option<&str>, credential: Option<&str>) -> Result<Connection, Failure> {
        let shown = |name: &str| keyway_component::printable(name, 80);
        let of_component = component.map(|name| self.by_component.get(name).map_or(&[][..], Vec::as_slice));
        if let (Some(component), Some([])) = (component, of_component) {
            let why = format!(
                "no account of the component `{}` is admitted to this run; add one with --credential",
                shown(component)
            );
            return Err(Failure::new(Code::UnknownComponent, why));
        }
        let fits = |at: &&usize| {
            let connection = self.all.get(**at);
            connection.is_some_and(|found| component.is_none_or(|name| found.component_name() == name))
        };
        let (first, more) = match (credential, of_component) {
            (Some(name), _) => {
                let mut named = self.by_name.get(name).into_iter().flatten().filter(fits);
                (named.next(), named.next().is_some())
            }
            (None, Some(of_component)) => (of_component.first(), of_component.len() > 1),
            (None, None) => ((!self.all.is_empty()).then_some(&0), self.all.len() > 1),
        };
        match (first.and_then(|at| self.all.get(*at)), more, credential) {
            (Some(connection), false, _) => Ok(connection.clone()),
            (None, _, Some(name)) => {
                let names = self.names(component);
                let why = format!("the credential `{}` is not admitted to this run; it has: {names}", shown(name));
                Err(Failure::new(Code::UnknownCredential, why))
            }
            (None, _, None) => Err(Failure::new(Code::UnknownCredential, "no account is connected; connect one first")),
            (Some(_), true, _) => {
                let names = self.names(component);
                let why =
                    format!("this run has several accounts ({names}); name one with `credential` (and `component`)");
                Err(Failure::new(Code::UnknownCredential, why))
            }
        }
    }

    fn names(&self, component: Option<&str>) -> String {
        let of_component = |connection: &&Connection| component.is_none_or(|name| connection.component_name() == name);
        let mut names: Vec<&str> = self.all.iter().filter(of_component).map(Connection::credential_name).collect();
        let more = names.len().saturating_sub(MOST_NAMES);
        names.truncate(MOST_NAMES);
        let names = names.join(", ");
        if more == 0 { names } else { format!("{names} and {more} more") }
    }
}
