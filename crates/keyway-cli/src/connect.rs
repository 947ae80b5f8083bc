//! From flags to a host with its accounts connected, or with the simulator's.

use std::{path::Path, time::Duration};

use keyway::{
    Credential, FileStore, Host, HostBuilder, OnLimit, Origin, Proxy, Redactor, TokenErrorKind,
    component::RetryOverride,
};
use keyway_simulator::{Demo, Options, Simulator};

use crate::{
    args::{ComponentSources, HostArgs, OnLimitArg},
    exit::CliError,
    folders,
};

/// A host with its accounts, and the simulator that it may stand on.
pub(crate) struct Connected {
    pub(crate) host: Host,
    /// Kept alive as long as the host.
    _simulator: Option<Simulator>,
}

/// Builds the host and connects the accounts that the flags name. Everything that is wrong is found here, before a
/// line is read; no request is made.
pub(crate) async fn connect(
    component: Option<&str>,
    args: &HostArgs,
    concurrency: usize,
    redactor: &Redactor,
) -> Result<Connected, CliError> {
    let (builder, component) = with_components(Host::builder(), &args.sources, component)?;
    let builder = with_settings(builder, args)?.concurrency(concurrency).redactor(redactor.clone());
    match &args.simulator {
        Some(url) => connect_demo(builder, url, component.as_deref(), args).await,
        None => connect_own(builder, component.as_deref(), args).await,
    }
}

/// The user's own accounts, with tokens kept where the flags say.
async fn connect_own(builder: HostBuilder, component: Option<&str>, args: &HostArgs) -> Result<Connected, CliError> {
    let (builder, durable) = with_store(builder, args)?;
    let host = builder.build()?;
    connect_accounts(&host, component, args)?;
    let needs_store = |connection: &keyway::Connection| !connection.account().mints_anew();
    if let Some(needy) = host.connections().into_iter().find(|connection| !durable && needs_store(connection)) {
        let why = "tokens cannot be kept, and this account cannot get a new one without a person";
        let label = needy.account().label();
        return Err(CliError::Usage(format!(
            "{why}: `{label}`; give a folder with --token-store, or say `--token-store memory`"
        )));
    }
    check_ready(&host).await?;
    Ok(Connected { host, _simulator: None })
}

/// The simulator's demo accounts, and nothing else.
async fn connect_demo(
    builder: HostBuilder,
    url: &str,
    component: Option<&str>,
    args: &HostArgs,
) -> Result<Connected, CliError> {
    let (demo, simulator) = simulated(url).await?;
    let mut pairs = Vec::new();
    for origin in &demo.origins {
        let parse = |text: &str| text.parse::<Origin>().map_err(|error| CliError::Usage(error.to_string()));
        pairs.push((parse(&origin.real)?, parse(&origin.simulated)?));
    }
    if !args.credential.is_empty() {
        return Err(CliError::Usage("--simulator has its own demo accounts; leave --credential out".to_owned()));
    }
    let host = builder.origin_map(pairs).build()?;
    let of_environment = |name: &str| demo.accounts.get(&format!("{name}@{}", args.environment.as_deref()?));
    let wanted = |name: &str| !name.contains('@') && component.is_none_or(|wanted| wanted == name);
    for (name, values) in demo.accounts.iter().filter(|(name, _)| wanted(name)) {
        let values = of_environment(name).unwrap_or(values);
        // --grant and --environment choose; what the demo account says of itself gives way to them.
        let chosen = |name: &str| {
            (args.grant.is_some() && name.ends_with("_GRANT"))
                || (args.environment.is_some() && name.ends_with("_ENVIRONMENT"))
        };
        let values = values.iter().filter(|(name, _)| !chosen(name)).cloned();
        host.connect(Credential::demo(name, values))?;
    }
    match component {
        Some(name) if host.connections().is_empty() => {
            Err(CliError::Usage(format!("the simulator has podio and podero, and no `{name}`; leave --simulator out")))
        }
        _ => Ok(Connected { host, _simulator: simulator }),
    }
}

/// Adds folders, and the file that a component is named by. Returns the component's name.
pub(crate) fn with_components(
    mut builder: HostBuilder,
    sources: &ComponentSources,
    component: Option<&str>,
) -> Result<(HostBuilder, Option<String>), CliError> {
    for name in &sources.overrides {
        builder = builder.override_component(name);
    }
    for folder in &sources.components {
        builder = builder.components_dir(folder);
    }
    let Some(text) = component else { return Ok((builder, None)) };
    if !(text.contains('/') || text.ends_with(".json")) {
        return Ok((builder, Some(text.to_owned())));
    }
    let path = Path::new(text);
    let file = if path.is_dir() { path.join("component.json") } else { path.to_owned() };
    let read =
        std::fs::read_to_string(&file).map_err(|why| CliError::Input { what: format!("`{}`", file.display()), why })?;
    let checked = keyway::check_component(&file.display().to_string(), &read)
        .map_err(|faults| CliError::Faults(Box::new(faults)))?;
    // Whoever names a file means that file, also where its name is a built-in one's.
    let name = checked.value.name;
    Ok((builder.override_component(&name).component_file(file), Some(name)))
}

fn with_settings(mut builder: HostBuilder, args: &HostArgs) -> Result<HostBuilder, CliError> {
    if let Some(environment) = &args.environment {
        builder = builder.environment(environment);
    }
    if let Some(grant) = &args.grant {
        builder = builder.grant(grant);
    }
    if let Some(path) = &args.ca_file {
        let pem = std::fs::read(path).map_err(|why| CliError::Input { what: format!("`{}`", path.display()), why })?;
        builder = builder.ca_pem(pem);
    }
    builder = match args.proxy.as_deref() {
        None => builder,
        Some("none") => builder.proxy(Proxy::None),
        Some(text) => {
            let url = text
                .parse()
                .map_err(|_| CliError::Usage("--proxy is no URL; write `http://host:port`, or `none`".to_owned()))?;
            builder.proxy(Proxy::Url(url))
        }
    };
    for host in &args.allow_private_network {
        builder = builder.allow_private_network(host);
    }
    let retry = RetryOverride {
        count: args.retry_count,
        delay_ms: args.retry_delay_ms,
        max_wait_ms: args.max_wait_ms,
        max_elapsed_ms: args.max_elapsed_ms,
    };
    let on_limit = match args.on_limit {
        OnLimitArg::Fail => OnLimit::Fail,
        OnLimitArg::Wait => OnLimit::Wait,
    };
    let ms = Duration::from_millis;
    Ok(builder
        .retry(retry)
        .on_limit(on_limit)
        .attempt_timeout(ms(args.timeout_ms))
        .connect_timeout(ms(args.connect_timeout_ms))
        .token_timeout(ms(args.token_timeout_ms))
        .max_body_bytes(args.max_response_bytes))
}

/// The file store, or memory where that is asked for or where no folder can be written. Returns whether tokens are
/// kept as the user wants them to be.
fn with_store(builder: HostBuilder, args: &HostArgs) -> Result<(HostBuilder, bool), CliError> {
    match args.token_store.as_deref() {
        Some("memory") => Ok((builder, true)),
        Some(folder) => {
            let store = FileStore::open(folder).map_err(|error| CliError::Usage(error.to_string()))?;
            Ok((builder.token_store(store), true))
        }
        None => match folders::tokens().map(FileStore::open) {
            Some(Ok(store)) => Ok((builder.token_store(store), true)),
            // Somebody else may read the key: that is no reason to go on without it.
            Some(Err(error @ keyway::StoreError::Permissions { .. })) => Err(CliError::Usage(error.to_string())),
            Some(Err(error)) => {
                tracing::warn!(event = "no_token_store", %error, "tokens are kept in memory only");
                Ok((builder, false))
            }
            None => {
                tracing::warn!(
                    event = "no_token_store",
                    "neither KEYWAY_HOME nor HOME is set; tokens are kept in memory only"
                );
                Ok((builder, false))
            }
        },
    }
}

fn connect_accounts(host: &Host, component: Option<&str>, args: &HostArgs) -> Result<(), CliError> {
    let usage = |error: keyway::CredentialError| CliError::Usage(error.to_string());
    for path in &args.credential {
        host.connect(Credential::from_file(path).map_err(usage)?)?;
    }
    match component {
        Some(name) if args.credential.is_empty() => {
            host.component(name)?;
            host.connect(Credential::from_env(name).map_err(usage)?)?;
        }
        Some(name) => {
            host.component(name)?;
            if !host.connections().iter().any(|connection| connection.component_name() == name) {
                let why = format!(
                    "none of the credentials is of the component `{name}`; leave the component out, or add one"
                );
                return Err(CliError::Usage(why));
            }
        }
        None if args.credential.is_empty() => {
            let why =
                "neither a component nor a credential is named; write `keyway run podio`, or add --credential FILE";
            return Err(CliError::Usage(why.to_owned()));
        }
        None => {}
    }
    Ok(())
}

/// Finds out whether a person has to sign in, without any request.
async fn check_ready(host: &Host) -> Result<(), CliError> {
    for connection in host.connections() {
        connection.account().check_secrets().await.map_err(CliError::Usage)?;
        if let Err(error) = connection.tokens().ready().await {
            return Err(match error.kind {
                TokenErrorKind::SignInRequired => CliError::SignIn(error.message),
                _ => CliError::Usage(error.message),
            });
        }
    }
    Ok(())
}

/// Starts the simulator in this process, or asks one that runs for its origins.
async fn simulated(url: &str) -> Result<(Demo, Option<Simulator>), CliError> {
    if url.is_empty() {
        let simulator = Simulator::start(Options::default())
            .await
            .map_err(|why| CliError::Usage(format!("the simulator cannot be started: {why}")))?;
        return Ok((simulator.demo(), Some(simulator)));
    }
    let unusable = |why: &str| {
        CliError::Usage(format!(
            "no simulator at `{}`: {why}; start one with `keyway simulator`",
            keyway::printable(url, 200)
        ))
    };
    let origin: Origin = url.parse().map_err(|_| unusable("write http://127.0.0.1:PORT"))?;
    if !origin.is_loopback() {
        return Err(unusable("it is not on this machine"));
    }
    let about = keyway_simulator::ask(&origin.to_string()).await.map_err(|why| unusable(&why.to_string()))?;
    Ok((about, None))
}
