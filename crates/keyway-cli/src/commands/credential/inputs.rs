//! From flags to the members of a credential file.

use keyway::{
    CredentialFile, Faults,
    component::{Component, Encoding},
};

use crate::{
    args::account::{EncodingArg, InputArgs},
    exit::CliError,
};

/// Lays what the flags give over a credential. Secrets come by another way.
pub(super) fn apply(inputs: &InputArgs, file: &mut CredentialFile) {
    let given = |flag: &Option<String>, member: &mut Option<String>| {
        if flag.is_some() {
            member.clone_from(flag);
        }
    };
    given(&inputs.environment, &mut file.environment);
    given(&inputs.grant, &mut file.grant);
    given(&inputs.username, &mut file.username);
    given(&inputs.redirect_uri, &mut file.redirect_uri);
    given(&inputs.token_endpoint, &mut file.oauth2.token_endpoint);
    // An account has a client of its own or a shared one.
    if inputs.client.is_some() {
        file.client_id = None;
        file.client.clone_from(&inputs.client);
    }
    if inputs.client_id.is_some() {
        file.client = None;
        file.client_id.clone_from(&inputs.client_id);
    }
    if let Some(scope) = &inputs.scope {
        file.scope = Some(scope.split([' ', ',']).filter(|part| !part.is_empty()).map(str::to_owned).collect());
    }
    if let Some(params) = &inputs.authorization_params {
        file.authorization_params.clone_from(params);
    }
    file.variables.extend(inputs.variable.iter().cloned());
    file.retry.count = inputs.retry_count.or(file.retry.count);
    file.retry.delay_ms = inputs.retry_delay_ms.or(file.retry.delay_ms);
    let encoding = inputs.token_encoding.map(|kind| match kind {
        EncodingArg::Form => Encoding::Form,
        EncodingArg::Json => Encoding::Json,
        EncodingArg::Query => Encoding::Query,
    });
    file.oauth2.token_request.encoding = encoding.or(file.oauth2.token_request.encoding);
}

/// Holds a credential against its schema and its component, as if it had been read from its file.
pub(super) fn check(place: &str, file: &CredentialFile, component: &Component) -> Result<(), CliError> {
    let text = serde_json::to_string_pretty(file).unwrap_or_default();
    let find = |name: &str| (name == component.name).then_some(component);
    let checked = keyway::check_credential(place, &text, find);
    checked.map(|_| ()).map_err(|faults: Faults| CliError::Faults(Box::new(faults)))
}
