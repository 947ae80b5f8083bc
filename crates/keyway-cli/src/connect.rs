//! From flags to a host with its accounts connected, or with the simulator's.

use std::{path::Path, time::Duration};

use keyway::{
    Connection, Credential, Host, HostBuilder, OnLimit, Origin, Proxy, Redactor, Secret, TokenErrorKind,
    component::RetryOverride,
};
use keyway_simulator::{Demo, Options, Simulator};

use crate::{
    accounts,
    args::{AccountArgs, ComponentSources, HostArgs, NetworkArgs, OnLimitArg, RetryArgs, account::OneArgs},
    exit::CliError,
    files::read_text,
    keys::{self, Kept},
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
    connect_with(Host::builder(), component, args, concurrency, redactor).await
}

/// The same with a builder that has something more.
pub(crate) async fn connect_with(
    builder: HostBuilder,
    component: Option<&str>,
    args: &HostArgs,
    concurrency: usize,
    redactor: &Redactor,
) -> Result<Connected, CliError> {
    let (builder, component) = with_components(builder, &args.sources, component)?;
    let builder = with_network(with_accounts(builder, &args.account, &args.retry), &args.network)?;
    let builder = builder.concurrency(concurrency).redactor(redactor.clone());
    match &args.simulator {
        Some(url) => connect_demo(builder, url, component.as_deref(), args).await,
        None => connect_own(builder, component.as_deref(), args).await,
    }
}

/// A host for commands about single accounts, which they connect themselves.
pub(crate) fn host_for(
    sources: &ComponentSources,
    account: &AccountArgs,
    network: Option<&NetworkArgs>,
    redactor: &Redactor,
) -> Result<(Host, Kept), CliError> {
    let (builder, _) = with_components(Host::builder(), sources, None)?;
    let builder = with_accounts(builder, account, &RetryArgs::default()).redactor(redactor.clone());
    let builder = match network {
        Some(network) => with_network(builder, network)?,
        None => builder,
    };
    let kept = keys::store(account.token_store.as_deref())?;
    Ok((keys::equip(builder, &kept)?.build()?, kept))
}

/// A host with the one account that a command is about.
pub(crate) fn connect_one(args: &OneArgs, redactor: &Redactor) -> Result<(Host, Connection, Kept), CliError> {
    let (host, kept) = host_for(&args.sources, &args.account, Some(&args.network), redactor)?;
    kept.must_last()?;
    let connection = host.connect(accounts::whoever(&host, &args.who)?)?;
    Ok((host, connection, kept))
}

/// The user's own accounts, with tokens kept where the flags say.
async fn connect_own(builder: HostBuilder, component: Option<&str>, args: &HostArgs) -> Result<Connected, CliError> {
    let kept = keys::store(args.account.token_store.as_deref())?;
    let host = keys::equip(builder, &kept)?.build()?;
    connect_accounts(&host, component, args)?;
    let needs_store = |connection: &Connection| !connection.account().mints_anew();
    if matches!(kept, Kept::Nowhere)
        && let Some(needy) = host.connections().into_iter().find(needs_store)
    {
        let why = "tokens cannot be kept, and this account cannot get a new one without a person";
        let label = needy.account().label();
        return Err(CliError::Usage(format!(
            "{why}: `{label}`; give a folder with --token-store, or say `--token-store memory`"
        )));
    }
    // One of many accounts that is not ready is a matter of the messages that name it.
    if !args.any_credential {
        check_ready(&host).await?;
    }
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
    if !args.credential.is_empty() || args.any_credential {
        return Err(CliError::Usage("--simulator has its own demo accounts; leave --credential out".to_owned()));
    }
    let host = builder.origin_map(pairs).build()?;
    let of_environment = |name: &str| demo.accounts.get(&format!("{name}@{}", args.account.environment.as_deref()?));
    let wanted = |name: &str| !name.contains('@') && component.is_none_or(|wanted| wanted == name);
    for (name, values) in demo.accounts.iter().filter(|(name, _)| wanted(name)) {
        let values = of_environment(name).unwrap_or(values);
        // --grant and --environment choose; what the demo account says of itself gives way to them.
        let chosen = |name: &str| {
            (args.account.grant.is_some() && name.ends_with("_GRANT"))
                || (args.account.environment.is_some() && name.ends_with("_ENVIRONMENT"))
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
    let read = read_text(&file)?;
    let checked = keyway::check_component(&file.display().to_string(), &read)
        .map_err(|faults| CliError::Faults(Box::new(faults)))?;
    // Whoever names a file means that file, also where its name is a built-in one's.
    let name = checked.value.name;
    Ok((builder.override_component(&name).component_file(file), Some(name)))
}

fn with_accounts(mut builder: HostBuilder, account: &AccountArgs, retry: &RetryArgs) -> HostBuilder {
    if let Some(environment) = &account.environment {
        builder = builder.environment(environment);
    }
    if let Some(grant) = &account.grant {
        builder = builder.grant(grant);
    }
    let over = RetryOverride {
        count: retry.retry_count,
        delay_ms: retry.retry_delay_ms,
        max_wait_ms: retry.max_wait_ms,
        max_elapsed_ms: retry.max_elapsed_ms,
    };
    let on_limit = match retry.on_limit {
        // Stopping is the run's business: the messages fail, and it reads no more.
        OnLimitArg::Fail | OnLimitArg::Stop => OnLimit::Fail,
        OnLimitArg::Wait => OnLimit::Wait,
    };
    builder.retry(over).on_limit(on_limit)
}

fn with_network(mut builder: HostBuilder, args: &NetworkArgs) -> Result<HostBuilder, CliError> {
    if let Some(path) = &args.ca_file {
        let pem = std::fs::read(path).map_err(|why| CliError::Input { what: format!("`{}`", path.display()), why })?;
        builder = builder.ca_pem(pem);
    }
    if let Some(path) = &args.client_cert {
        let pem = std::fs::read_to_string(path);
        let pem = pem.map_err(|why| CliError::Input { what: format!("`{}`", path.display()), why })?;
        builder = builder.client_identity(Secret::new(pem));
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
    let ms = Duration::from_millis;
    Ok(builder
        .attempt_timeout(ms(args.timeout_ms))
        .connect_timeout(ms(args.connect_timeout_ms))
        .token_timeout(ms(args.token_timeout_ms))
        .max_body_bytes(args.max_response_bytes))
}

fn connect_accounts(host: &Host, component: Option<&str>, args: &HostArgs) -> Result<(), CliError> {
    let of_component = || {
        let mut connections = host.connections().into_iter();
        component.is_none_or(|name| connections.any(|connection| connection.component_name() == name))
    };
    if let Some(name) = component {
        host.component(name)?;
    }
    if args.any_credential {
        for (_, credential) in accounts::all_of(component)? {
            host.connect(credential?)?;
        }
        return if host.connections().is_empty() {
            let why = "--any-credential found no credential; `keyway credential add` makes one";
            Err(CliError::Usage(why.to_owned()))
        } else {
            Ok(())
        };
    }
    for name in &args.credential {
        host.connect(accounts::by_name(name, component)?)?;
    }
    match component {
        Some(name) if args.credential.is_empty() => {
            host.connect(accounts::only_account(host, name)?)?;
            Ok(())
        }
        Some(name) if !of_component() => {
            let why =
                format!("none of the credentials is of the component `{name}`; leave the component out, or add one");
            Err(CliError::Usage(why))
        }
        None if args.credential.is_empty() => {
            let why =
                "neither a component nor a credential is named; write `keyway run podio`, or add --credential NAME";
            Err(CliError::Usage(why.to_owned()))
        }
        _ => Ok(()),
    }
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
