//! Where the API is: the first server of the description with its variables, or all that differ in their host as
//! environments.

use serde_json::{Map, Value, json};

use super::Source;
use crate::import::{ImportChoices, ImportError, free, identifier, over_tls, placeholders, sentence, slug, text_of};

/// What a variable of a server may be that has no list of values.
const PLAIN: &str = "[A-Za-z0-9._-]+";
/// What a variable may be that is a host with its port.
const HOST_AND_PORT: &str = "[A-Za-z0-9.-]+(:[0-9]+)?";

/// The base URL as a template, and the variables that it names.
pub(super) struct Server {
    pub(super) base_url: String,
    pub(super) variables: Map<String, Value>,
    /// Where there are several hosts: each by a name.
    pub(super) environments: Map<String, Value>,
}

/// A server without variables: its URL, and its host and path.
struct Fixed<'s> {
    told: &'s Value,
    url: String,
    host: String,
    path: String,
}

// === impl Source ===

impl<'d> Source<'d> {
    pub(super) fn server(&mut self, choices: &ImportChoices) -> Result<Server, ImportError> {
        let environments = Map::new();
        if let Some(base_url) = &choices.base_url {
            let base_url = self.with_path(base_url);
            return Ok(Server { base_url, variables: Map::new(), environments });
        }
        if let Some(server) = self.by_environment() {
            return Ok(server);
        }
        let (mut base_url, variables) =
            if self.document.get("swagger").is_some() { self.swagger()? } else { self.first()? };
        let over_tls = over_tls(&base_url);
        if over_tls != base_url {
            self.leave_out(format!(
                "The description names {}, over http; tokens go over https only, so that is what stands in \
                 `api.base_url`.",
                crate::printable(&base_url, 100)
            ));
            base_url = over_tls;
        }
        Ok(Server { base_url: base_url.trim_end_matches('/').to_owned(), variables, environments })
    }

    /// The URL that a person gives, with the path that the description has for its server, unless the URL has one itself.
    fn with_path(&self, base_url: &str) -> String {
        let rest = base_url.split_once("://").map_or(base_url, |(_, rest)| rest).trim_end_matches('/');
        let path = match self.document.get("swagger") {
            Some(_) => text_of(self.document, "basePath"),
            None => self.document["servers"].as_array().and_then(|servers| text_of(servers.first()?, "url")),
        };
        let path =
            path.filter(|path| path.starts_with('/') && !path.starts_with("//") && !path.contains(['{', '?', '#']));
        match path {
            Some(path) if !rest.contains('/') => {
                format!("{}{}", base_url.trim_end_matches('/'), path.trim_end_matches('/'))
            }
            _ => base_url.to_owned(),
        }
    }

    /// Servers that differ in nothing but their host are environments, as production and sandbox are.
    fn by_environment(&mut self) -> Option<Server> {
        let document: &'d Value = self.document;
        let servers = document["servers"].as_array()?;
        let all: Vec<Fixed<'_>> = servers.iter().filter_map(Fixed::of).collect();
        let first = all.first()?;
        let mut kept: Vec<&Fixed<'_>> = Vec::new();
        for fixed in all.iter().filter(|fixed| fixed.path == first.path) {
            if !kept.iter().any(|known| known.host == fixed.host) {
                kept.push(fixed);
            }
        }
        // The first, whatever it is, is the one that counts.
        let counts = first_of(servers).and_then(Fixed::of);
        if kept.len() < 2 || counts.is_none() {
            return None;
        }
        let mut environments = Map::new();
        for (n, fixed) in kept.iter().enumerate() {
            let name = environment_name(fixed, n == 0);
            let further = (2..).map(|n| format!("{name}-{n}"));
            let name = [name.clone()].into_iter().chain(further).find(|name| !environments.contains_key(name))?;
            environments.insert(name, json!({ "host": fixed.host }));
        }
        let hosts: Vec<String> = kept.iter().map(|fixed| regex::escape(&fixed.host)).collect();
        let about = json!({ "title": "Host", "pattern": hosts.join("|") });
        let variables = [("host".to_owned(), about)].into_iter().collect();
        let base_url = format!("https://{{host}}{}", first.path);
        let used: Vec<String> = kept.iter().map(|fixed| fixed.url.clone()).collect();
        for server in servers.iter().filter(|server| !Fixed::of(server).is_some_and(|fixed| used.contains(&fixed.url)))
        {
            self.leave_server_out(server, &used);
        }
        self.servers = used;
        Some(Server { base_url, variables, environments })
    }

    /// Says that a server is not in it, unless it is one that is, over the other scheme.
    fn leave_server_out(&mut self, server: &Value, kept: &[String]) {
        if whole(server).is_some_and(|url| kept.iter().any(|kept| bare(kept) == bare(&url))) {
            return;
        }
        let url = crate::printable(text_of(server, "url").unwrap_or_default(), 100);
        self.leave_out(format!("The server {url} is not in it: add an environment for it, or a variable."));
    }

    /// Version 2: scheme, host and path apart.
    fn swagger(&self) -> Result<(String, Map<String, Value>), ImportError> {
        let host = text_of(self.document, "host").ok_or(ImportError::NoServer)?;
        let schemes = self.document["schemes"].as_array().cloned().unwrap_or_default();
        let scheme = if schemes.is_empty() || schemes.contains(&json!("https")) { "https" } else { "http" };
        let path = text_of(self.document, "basePath").unwrap_or_default();
        let host = host.split_once("://").map_or(host, |(_, host)| host).trim_end_matches('/');
        Ok((format!("{scheme}://{host}/{}", path.trim_start_matches('/')), Map::new()))
    }

    /// Version 3: the first of the servers that has a host.
    fn first(&mut self) -> Result<(String, Map<String, Value>), ImportError> {
        let document: &'d Value = self.document;
        let servers = document["servers"].as_array().map(Vec::as_slice).unwrap_or_default();
        let server = first_of(servers).ok_or(ImportError::NoServer)?;
        for other in servers.iter().filter(|other| *other != server) {
            self.leave_server_out(other, &[whole(server).unwrap_or_default()]);
        }
        let (mut url, mut variables) = (whole(server).unwrap_or_default(), Map::new());
        for (name, told) in server["variables"].as_object().into_iter().flatten() {
            if !url.contains(&format!("{{{name}}}")) {
                continue;
            }
            // A piece of a path, or nothing, is no value that a segment can have.
            let fixed = text_of(told, "default").filter(|text| text.contains('/'));
            let empty = told["default"].as_str().filter(|text| text.is_empty());
            if let Some(text) = fixed.or(empty) {
                let place = format!("{{{name}}}");
                let text = if url.contains(&format!("/{place}")) { text.trim_start_matches('/') } else { text };
                url = url.replace(&place, text);
                continue;
            }
            let own = own_name(name);
            url = url.replace(&format!("{{{name}}}"), &format!("{{{own}}}"));
            let mut variable = Map::new();
            variable.insert("title".to_owned(), json!(crate::printable(name, 60)));
            if let Some(description) = text_of(told, "description") {
                variable.insert("description".to_owned(), json!(sentence(description)));
            }
            let allowed: Vec<&str> = told["enum"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            let default = text_of(told, "default").unwrap_or_default();
            let is_plain = default.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
            let is_host = url.contains(&format!("://{{{own}}}"));
            let pattern = if allowed.is_empty() {
                match () {
                    () if is_plain => PLAIN.to_owned(),
                    () if is_host && default.contains(':') => HOST_AND_PORT.to_owned(),
                    () => format!("{PLAIN}|{}", regex::escape(default)),
                }
            } else {
                allowed.iter().map(|text| regex::escape(text)).collect::<Vec<_>>().join("|")
            };
            variable.insert("pattern".to_owned(), json!(pattern));
            if let Some(default) = text_of(told, "default") {
                variable.insert("default".to_owned(), json!(default.replace('{', "{{").replace('}', "}}")));
            }
            variables.insert(own, Value::Object(variable));
        }
        Ok((url, variables))
    }
}

/// Placeholders that the description says nothing about become variables of their names.
pub(super) fn declare_undeclared(url: &mut String, variables: &mut Map<String, Value>) {
    let named: Vec<String> = placeholders(url).map(str::to_owned).collect();
    for name in &named {
        if variables.contains_key(name) {
            continue;
        }
        let own = own_name(name);
        *url = url.replace(&format!("{{{name}}}"), &format!("{{{own}}}"));
        let about = json!({ "title": crate::printable(name, 60), "pattern": PLAIN });
        variables.entry(own).or_insert(about);
    }
}

/// The name of a variable. Some names mean something of their own in an account.
fn own_name(name: &str) -> String {
    free(identifier(name), "server")
}

// === impl Fixed ===

impl<'s> Fixed<'s> {
    /// `None`: it has variables, or a port, or is this machine's.
    fn of(told: &'s Value) -> Option<Self> {
        let url = over_tls(&whole(told)?).trim_end_matches('/').to_owned();
        let rest = url.strip_prefix("https://")?;
        let (host, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
        let is_name = !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b".-".contains(&b));
        if !is_name || crate::is_loopback_host(host) || path.contains(['{', '?', '#']) {
            return None;
        }
        let (host, path) = (host.to_ascii_lowercase(), path.to_owned());
        Some(Self { told, url, host, path })
    }
}

/// The server that counts: the first that has a host. A developer's own machine stands in some descriptions before the one
/// that everybody uses.
fn first_of(servers: &[Value]) -> Option<&Value> {
    let is_public = |server: &&Value| whole(server).is_some_and(|url| !is_of_this_machine(&url));
    servers.iter().find(is_public).or_else(|| servers.iter().find(|server| whole(server).is_some()))
}

/// The URL of a server that has a host, as a template: its scheme is told, and neither a user nor a query is part of it.
pub(super) fn whole(server: &Value) -> Option<String> {
    let url = text_of(server, "url")?.trim();
    let default = |name: &str| text_of(&server["variables"][name], "default");
    let mut url = if url.starts_with("//") { format!("https:{url}") } else { url.to_owned() };
    // A variable that is all in front of the path, or the scheme, is what it is by default.
    if let Some((name, rest)) = url.strip_prefix('{').and_then(|text| text.split_once('}')) {
        let told = default(name)?;
        let takes_https = server["variables"][name]["enum"].as_array().is_none_or(|all| all.contains(&json!("https")));
        let told = if told == "http" && takes_https { "https" } else { told };
        url = format!("{}{rest}", told.trim_end_matches('/'));
    }
    let (scheme, rest) = url.split_once("://").filter(|(scheme, _)| matches!(*scheme, "http" | "https"))?;
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let host = rest.split('/').next().unwrap_or_default();
    let user = host.rfind('@').map_or(0, |at| at + 1);
    Some(format!("{scheme}://{}", &rest[user..]))
}

/// A URL without its scheme.
fn bare(url: &str) -> &str {
    url.split_once("://").map_or(url, |(_, rest)| rest).trim_end_matches('/')
}

/// Whether it is the reader's own.
fn is_of_this_machine(url: &str) -> bool {
    let host = url.split_once("://").map_or("", |(_, rest)| rest).split(['/', ':']).next().unwrap_or_default();
    crate::is_loopback_host(host)
}

/// What people call it: by the words that stand for such a server, else by its description or host.
fn environment_name(fixed: &Fixed<'_>, first: bool) -> String {
    const WORDS: [(&str, &str); 8] = [
        ("sandbox", "sandbox"),
        ("staging", "staging"),
        ("stage", "staging"),
        ("test", "test"),
        ("demo", "demo"),
        ("dev", "development"),
        ("prod", "production"),
        ("live", "production"),
    ];
    let description = text_of(fixed.told, "description").unwrap_or_default();
    // The vendor's own domain says nothing about one of its servers.
    let labels: Vec<&str> = fixed.host.rsplit('.').skip(2).collect();
    let words = format!("{description} {}", labels.join(" ")).to_ascii_lowercase();
    let is_word = |wanted: &str| words.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word.starts_with(wanted));
    let known = WORDS.iter().find(|(word, _)| is_word(word)).map(|(_, name)| (*name).to_owned());
    let own = || if description.is_empty() || description.len() > 40 { slug(&fixed.host) } else { slug(description) };
    known.unwrap_or_else(|| if first { "production".to_owned() } else { own() })
}
