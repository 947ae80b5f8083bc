//! Operations as actions.

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::{Map, Value, json};

use super::{Source, draft::Draft, resolved, server::whole};
use crate::{
    component::authority,
    import::{identifier, over_tls, text_of},
};

/// What a path cannot have as it is: control characters, spaces and, beside these, all that is not ASCII.
const NO_PATH: &AsciiSet = &CONTROLS.add(b' ');
const METHODS: [&str; 7] = ["get", "put", "post", "delete", "options", "head", "patch"];
/// The last steps of paths that tell who an account is.
const WHO: [&str; 7] = ["me", "user", "whoami", "profile", "self", "account", "userinfo"];
/// Last steps with these words tell nothing of an account, or end it.
const NO_PROOF: [&str; 8] = ["logout", "signout", "health", "ping", "status", "version", "docs", "login"];

/// An operation, and where it stands.
#[derive(Clone, Copy)]
pub(super) struct Operation<'d> {
    path: &'d str,
    /// What its path says of all its operations.
    item: &'d Value,
    /// In lower case.
    method: &'static str,
    pub(super) told: &'d Value,
}

// === impl Source ===

impl<'d> Source<'d> {
    /// All operations as actions, and the one that shows that an account works: a read without parameters.
    pub(super) fn actions(&mut self) -> (Map<String, Value>, Option<String>) {
        let (mut actions, mut verify) = (Map::new(), None::<(bool, String)>);
        let paths = self.document["paths"].as_object().into_iter().flatten();
        for path in paths.filter(|(_, item)| item.get("trace").is_some()).map(|(path, _)| crate::printable(path, 100)) {
            self.leave_out(format!("TRACE {path}: Keyway does not send this method."));
        }
        for operation in self.operations() {
            let Operation { path, method, told, .. } = operation;
            if path.contains('\\') {
                self.leave_out(format!("{}: its path has characters that no path can have.", operation.place()));
                continue;
            }
            // No message goes where tokens come from: Keyway does that itself.
            if self.oauth_urls.contains(&format!("{}{path}", self.base_url)) {
                self.leave_out(format!("{}: an OAuth endpoint, which only Keyway itself calls.", operation.place()));
                continue;
            }
            let Some(draft) = self.draft(operation) else { continue };
            let name = free_name(&actions, told, method, path);
            let last = path.rsplit('/').find(|step| !step.is_empty()).unwrap_or_default().to_ascii_lowercase();
            let shows_an_account = !draft.is_open && !NO_PROOF.iter().any(|word| last.contains(word));
            if method == "get" && draft.needs_nothing() && shows_an_account {
                let tells_who = WHO.contains(&last.as_str());
                if verify.as_ref().is_none_or(|(before, _)| tells_who && !before) {
                    verify = Some((tells_who, name.clone()));
                }
            }
            actions.insert(name, draft.written(told));
        }
        (actions, verify.map(|(_, name)| name))
    }

    /// All operations there are.
    pub(super) fn operations(&self) -> impl Iterator<Item = Operation<'d>> + use<'d> {
        let document = self.document;
        let of_path = move |(path, item): (&'d String, &'d Value)| {
            let item = resolved(document, item);
            let told = move |method: &str| item.get(method).filter(|told| told.is_object());
            METHODS.into_iter().filter_map(move |method| Some(Operation { path, item, method, told: told(method)? }))
        };
        document["paths"].as_object().into_iter().flatten().flat_map(of_path)
    }

    /// `None`: it cannot be called without what is left out.
    fn draft(&mut self, operation: Operation<'d>) -> Option<Draft> {
        let Operation { item, method, told, .. } = operation;
        // What stands behind a `#` only tells operations of one path apart, and is not sent.
        let path = operation.path.split('#').next().unwrap_or_default();
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let mut draft = Draft::new(method, &encoded(path), operation.place(), self.taken.clone());
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            draft.query.insert(name.to_owned(), json!(value.replace('{', "{{").replace('}', "}}")));
        }
        draft.is_open = is_open(told);
        self.parameters(item, told, &mut draft);
        self.body(told, &mut draft);
        self.wanted_answer(told, &mut draft);
        draft.close_url();
        if draft.url.matches('{').count() != draft.url.matches('}').count() {
            self.leave_out(format!("{}: its path has a brace without its partner.", draft.place));
            return None;
        }
        if let Some(server) = self.own_server(item, told, &draft.place) {
            draft.url = format!("{server}{}", draft.url);
        }
        Some(draft)
    }

    /// Servers that give something else than JSON, or JSON of their own, may want to be asked for it.
    fn wanted_answer(&self, operation: &'d Value, draft: &mut Draft) {
        let responses = operation["responses"].as_object().into_iter().flatten();
        let good = responses.filter(|(status, _)| status.starts_with('2'));
        let told =
            good.map(|(_, response)| self.resolved(response)).filter_map(|response| response["content"].as_object());
        let mut labels: Vec<&str> = told.flatten().map(|(label, _)| label.as_str()).collect();
        if self.document.get("swagger").is_some() {
            let produces = [operation, self.document].into_iter().find_map(|place| place["produces"].as_array());
            labels = produces.into_iter().flatten().filter_map(Value::as_str).collect();
        }
        let is_label =
            |label: &&str| !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
        let is_json = |label: &&str| label.starts_with("application/json");
        if labels.is_empty() || labels.iter().any(|label| label.contains('*')) || !labels.iter().all(is_label) {
            return;
        }
        // Whoever takes anything is sent XML by some.
        if let Some(json) = labels.iter().find(|label| is_json(label)) {
            if labels.iter().all(is_json) {
                return;
            }
            labels = vec![json];
        }
        labels.dedup();
        draft.headers.insert("Accept".to_owned(), json!(labels.join(", ").replace('{', "{{").replace('}', "}}")));
    }

    /// A server that is this operation's alone, with its variables as they are by default. Its origin gets the token as well.
    fn own_server(&mut self, item: &Value, operation: &Value, place: &str) -> Option<String> {
        let servers = [operation, item].into_iter().find_map(|place| place["servers"].as_array())?;
        let Some(url) = servers.iter().find_map(|server| fixed(server, &self.base_url)) else {
            let url = servers.iter().find_map(|server| text_of(server, "url")).unwrap_or_default();
            let url = crate::printable(url, 100);
            self.leave_out(format!("{place}: its own server `{url}`; see whether its URL is right."));
            return None;
        };
        // Some name the server of all once more.
        let mut of_all = self.document["servers"].as_array().into_iter().flatten();
        let is_of_all = of_all.any(|server| fixed(server, "").is_some_and(|known| known == url));
        if is_of_all || url == self.base_url || self.servers.contains(&url) {
            return None;
        }
        let origin = url::Url::parse(&url).ok()?.origin().ascii_serialization();
        let base = self.base_url.trim_end_matches('/');
        let is_below = url.strip_prefix(base).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        if !is_below && self.origins.insert(origin.clone()) {
            let (base, origin) = (crate::printable(base, 100), crate::printable(&origin, 100));
            self.leave_out(if authority(&base) == origin {
                format!("Some operations are beside {base}, so messages may name all paths of that host; see to that.")
            } else {
                format!("Some operations are at {origin}, which gets the token as well; see to that.")
            });
        }
        Some(url)
    }
}

/// A path as it is sent. What stands in braces is a name.
fn encoded(path: &str) -> String {
    let encode = |text: &str| utf8_percent_encode(text, NO_PATH).to_string();
    let mut parts = path.split('{');
    let first = encode(parts.next().unwrap_or_default());
    parts.fold(first, |path, part| match part.split_once('}') {
        Some((name, rest)) => format!("{path}{{{name}}}{}", encode(rest)),
        None => format!("{path}{{{part}"),
    })
}

/// The URL of a server, with its variables as they are by default. A relative one begins where the API's does.
fn fixed(server: &Value, base_url: &str) -> Option<String> {
    let mut url = match text_of(server, "url")? {
        path if path.starts_with('/') && !path.starts_with("//") => format!("{}{path}", authority(base_url)),
        _ => whole(server)?,
    };
    for (name, told) in server["variables"].as_object().into_iter().flatten() {
        url = url.replace(&format!("{{{name}}}"), told["default"].as_str().unwrap_or_default());
    }
    let url = over_tls(&url).trim_end_matches('/').to_owned();
    Some(url).filter(|url| url.contains("://") && !url.contains(['{', '?', '#']))
}

// === impl Operation ===

impl Operation<'_> {
    /// Method and path, for people.
    pub(super) fn place(&self) -> String {
        format!("{} {}", self.method.to_ascii_uppercase(), crate::printable(self.path, 100))
    }
}

/// Whether an operation asks for no account (OpenAPI 3.1 section 4.8.10, `security`).
fn is_open(operation: &Value) -> bool {
    let needed = operation.get("security").and_then(Value::as_array);
    let asks = |needed: &Value| needed.as_object().is_some_and(|needed| !needed.is_empty());
    needed.is_some_and(|needed| !needed.iter().any(asks))
}

/// The operation's own name, or method and path; a number behind it where there is one like it.
fn free_name(actions: &Map<String, Value>, operation: &Value, method: &str, path: &str) -> String {
    let name = text_of(operation, "operationId").map_or_else(|| identifier(&format!("{method} {path}")), identifier);
    let further = (2..).map(|n| format!("{name}_{n}"));
    [name.clone()].into_iter().chain(further).find(|name| !actions.contains_key(name)).unwrap_or(name)
}
