//! `keyway simulator`: Podio and Podero on this machine.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use keyway_simulator::{Options, PoderoBody, Simulator};

use crate::{
    args::{PoderoBodyArg, SimulatorArgs},
    exit::{CliError, SUCCESS},
};

pub(crate) async fn run(args: SimulatorArgs) -> Result<ExitCode, CliError> {
    let defaults = Options::default();
    let options = Options {
        podio_token_ttl_s: args.podio_token_ttl.unwrap_or(defaults.podio_token_ttl_s),
        podero_token_ttl_s: args.podero_token_ttl.unwrap_or(defaults.podero_token_ttl_s),
        rotate_refresh_tokens: args.rotate_refresh_tokens,
        refresh_reuse_revokes: args.refresh_reuse_revokes,
        podero_body: match args.podero_body {
            PoderoBodyArg::Json => PoderoBody::Json,
            PoderoBodyArg::Form => PoderoBody::Form,
            PoderoBodyArg::Both => PoderoBody::Both,
            PoderoBodyArg::FormStrict => PoderoBody::FormStrict,
        },
        podio_limit: args.podio_limit.unwrap_or(defaults.podio_limit),
        podio_window_s: args.podio_window.unwrap_or(defaults.podio_window_s),
        token_delay_ms: args.token_delay_ms,
        api_delay_ms: args.api_delay_ms,
        clock_skew_s: args.clock_skew,
        ..defaults
    };
    let simulator = Simulator::start_at(options, args.port)
        .await
        .map_err(|why| CliError::Usage(format!("the simulator cannot be started: {why}; choose another --port")))?;
    let [podio, podero, sandbox] = simulator.urls();
    let demo = serde_json::to_string(&simulator.demo()).unwrap_or_default();
    let output = |why| CliError::Output { what: "standard output".to_owned(), why };
    let mut stdout = io::stdout();
    writeln!(stdout, "{demo}").and_then(|()| stdout.flush()).map_err(output)?;
    let _ = writeln!(
        io::stderr(),
        "Podio            {podio}\nPodero           {podero}\nPodero sandbox   {sandbox}\n\n\
         Try:    keyway request podio GET /user --simulator={podio}\n\
         Watch:  {podio}/_simulator/stats.html\n\
         End it with Ctrl-C."
    );
    let _ = tokio::signal::ctrl_c().await;
    Ok(ExitCode::from(SUCCESS))
}
