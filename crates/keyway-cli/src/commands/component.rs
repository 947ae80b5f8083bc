//! `keyway component`: list, show, check, new, test, import.

mod import;
mod new;
mod test;

use std::{
    fmt::Write as _,
    io::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

use keyway::{
    Component, Host,
    component::{Authorization, Backoff},
};

use super::print;
use crate::{
    args::{ComponentSources, component::ComponentCommand},
    connect::with_components,
    draw,
    exit::{CliError, SUCCESS, USAGE},
    files::{component_files, read_text},
};

pub(crate) fn run(command: ComponentCommand) -> Result<ExitCode, CliError> {
    match command {
        ComponentCommand::List { sources } => list(&sources),
        ComponentCommand::Show { component, sources } => show(&component, &sources),
        ComponentCommand::Check { paths } => check(&paths),
        ComponentCommand::New(args) => new::run(args),
        ComponentCommand::Test { paths } => test::run(&paths),
        ComponentCommand::Import(command) => import::run(command),
    }
}

fn list(sources: &ComponentSources) -> Result<ExitCode, CliError> {
    let (builder, _) = with_components(Host::builder(), sources, None)?;
    let host = builder.build()?;
    let mut rows = vec![["NAME".to_owned(), "TITLE".to_owned(), "GRANTS".to_owned(), "FROM".to_owned()]];
    for name in host.component_names() {
        let loaded = host.component(name)?;
        let from = loaded.path().map_or_else(|| "built in".to_owned(), |path| path.display().to_string());
        let component = loaded.component();
        rows.push([name.to_owned(), component.title.clone(), component.grant_names().join(", "), from]);
    }
    print(draw::table(&rows).as_bytes())
}

fn show(name: &str, sources: &ComponentSources) -> Result<ExitCode, CliError> {
    let (builder, name) = with_components(Host::builder(), sources, Some(name))?;
    let host = builder.build()?;
    let loaded = host.component(&name.unwrap_or_default())?;
    print(describe(loaded.component()).as_bytes())
}

fn describe(component: &Component) -> String {
    let mut text = format!("{} ({}), version {}\n", component.title, component.name, component.version);
    for line in [&component.description, &component.documentation].into_iter().flatten() {
        let _ = writeln!(text, "{line}");
    }
    let steps = crate::accounts::setup_steps(component);
    if !steps.is_empty() {
        let _ = write!(text, "\n{steps}");
    }
    accounts(component, &mut text);
    if let Some(endpoint) = &component.oauth2.token_endpoint {
        let (encoding, method) = (encoding_name(component), auth_method(component));
        let _ = writeln!(text, "\nToken endpoint\n  {endpoint}, {encoding} body, {method}");
    }
    let _ = writeln!(text, "\nAPI\n  base URL        {}", component.api.base_url);
    let token = match &component.api.authorization {
        Authorization::Header { name, scheme } => format!("{name}: {scheme} <token>"),
        Authorization::Query { name } => format!("?{name}=<token>"),
    };
    let _ = writeln!(text, "  token           {token}");
    let retry = &component.retry;
    let _ = writeln!(
        text,
        "  retry           {} times, {} ms {}; waits up to {} ms",
        retry.count,
        retry.delay_ms,
        spacing(retry.backoff),
        retry.max_wait_ms
    );
    let statuses: Vec<String> = component.throttle.statuses.iter().map(u16::to_string).collect();
    let _ = writeln!(text, "  throttled by    {}", statuses.join(", "));
    if !component.actions.is_empty() {
        text.push_str("\nActions\n");
        let width = component.actions.keys().map(String::len).max().unwrap_or_default();
        for (name, action) in &component.actions {
            let about = action.description.as_deref().unwrap_or_default();
            let _ = writeln!(text, "  {name:<width$}  {:<6} {}  {about}", action.method, action.url);
        }
    }
    text
}

fn spacing(backoff: Backoff) -> &'static str {
    match backoff {
        Backoff::Fixed => "apart",
        Backoff::Exponential => "apart at first, doubled each time",
    }
}

fn encoding_name(component: &Component) -> &'static str {
    component.oauth2.token_request.encoding.as_str()
}

/// The method as files write it.
fn auth_method(component: &Component) -> String {
    let name = serde_json::to_value(component.oauth2.token_endpoint_auth_method);
    name.ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
}

/// Environments, and the environment variables of each grant.
fn accounts(component: &Component, text: &mut String) {
    let oauth2 = &component.oauth2;
    let prefix = Component::variable_prefix(&component.name);
    let names: Vec<&str> = component.environments.keys().map(String::as_str).collect();
    let _ = writeln!(text, "\nAccount (environment variables; each also as …_FILE)");
    let secret = oauth2.token_endpoint_auth_method.secret();
    let secret = secret.map(|name| format!(", {prefix}{}", name.to_ascii_uppercase())).unwrap_or_default();
    let _ = writeln!(text, "  {:<20} {prefix}CLIENT_ID{secret}", "always");
    if names.len() > 1 {
        let _ = writeln!(text, "  {:<20} {prefix}ENVIRONMENT: {}", "always", names.join(", "));
    }
    let upper = |name: &str| format!("{prefix}{}", name.to_ascii_uppercase());
    for grant in component.grant_names() {
        let inputs: Vec<String> = keyway::grant_inputs(component, grant).iter().map(|name| upper(name)).collect();
        let inputs = if inputs.is_empty() { "nothing more".to_owned() } else { inputs.join(", ") };
        let _ = writeln!(text, "  {grant:<20} {inputs}");
    }
    for (name, variable) in &component.variables {
        let fixed = component.environments.values().any(|values| values.contains_key(name));
        if !fixed {
            let about = variable.description.as_deref().or(variable.title.as_deref()).unwrap_or_default();
            let default = variable.default.as_ref().map(|default| format!(" (default {default})")).unwrap_or_default();
            let _ = writeln!(text, "  {:<20} {about}{default}", upper(name));
        }
    }
    let _ = writeln!(text, "  {:<20} which grant, where several have all they need", upper("grant"));
    let scope = if oauth2.scope.default.is_empty() {
        "none".to_owned()
    } else {
        oauth2.scope.default.join(&oauth2.scope.separator)
    };
    let _ = writeln!(text, "  {:<20} scope (default {scope})", upper("scope"));
}

fn check(paths: &[PathBuf]) -> Result<ExitCode, CliError> {
    let mut sound = true;
    for path in paths {
        for file in component_files(path)? {
            // A file that cannot be read must not keep the others from being checked.
            match check_file(&file) {
                Err(CliError::Input { what, why }) => {
                    let _ = writeln!(std::io::stderr().lock(), "error: {what} cannot be read: {why}");
                    sound = false;
                }
                checked => sound &= checked?,
            }
        }
    }
    Ok(ExitCode::from(if sound { SUCCESS } else { USAGE }))
}

/// Checks one file and says what was found. Returns whether it can be used.
fn check_file(file: &Path) -> Result<bool, CliError> {
    let name = file.display().to_string();
    let text = read_text(file)?;
    match keyway::check_component(&name, &text) {
        Ok(checked) => {
            if !checked.warnings.faults.is_empty() {
                let _ = std::io::stderr().lock().write_all(draw::faults(&checked.warnings).as_bytes());
            }
            print(format!("{name}: `{}` is sound\n", checked.value.name).as_bytes())?;
            Ok(true)
        }
        Err(faults) => {
            let _ = std::io::stderr().lock().write_all(draw::faults(&faults).as_bytes());
            Ok(false)
        }
    }
}
