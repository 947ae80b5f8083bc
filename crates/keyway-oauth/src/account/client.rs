//! A client that many accounts share: `"client": "acme"` is the file `acme.json` in the folder of clients.

use keyway_component::{ClientFile, check_client};

use super::{AccountError, AccountSettings, Context, refuse_commands};
use crate::{credential::read_private, credentials::is_name};

/// Reads the client of an account, and makes sure that it belongs to the same component and environment.
pub(super) fn read(
    context: &Context<'_>,
    name: &str,
    environment: &str,
    settings: &AccountSettings,
) -> Result<ClientFile, AccountError> {
    let what = format!("the client `{name}`");
    let Some(folder) = &settings.clients else {
        return Err(context.unfit(what, "this host has no folder of clients; name one".to_owned()));
    };
    if !is_name(name) {
        return Err(
            context.unfit(what, "that cannot be a client's name; it leads out of the folder of clients".to_owned())
        );
    }
    let path = folder.join(format!("{name}.json"));
    let shown = path.display().to_string();
    let (text, private) = read_private(&path).map_err(|error| context.unfit(&what, error.to_string()))?;
    let find = |name: &str| (name == context.component.name).then_some(context.component);
    let client = check_client(&shown, &text, find).map_err(|faults| AccountError::Faults(Box::new(faults)))?.value;
    if let Some(own) = client.environment.as_deref().filter(|own| *own != environment) {
        let why =
            format!("it is registered in the environment `{own}`, and the account is in `{environment}`; use another");
        return Err(context.unfit(what, why));
    }
    refuse_commands(context.component, &shown, &client.secrets, private)?;
    Ok(client)
}
