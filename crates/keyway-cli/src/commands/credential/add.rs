//! `keyway credential add`: from questions or flags to a file.

use std::process::ExitCode;

use keyway::{Component, Credential, CredentialFile, Host, Redactor, component::FORMAT, credential::STANDARD_SECRETS};

use super::{
    inputs::{apply, check},
    seal::{references, seal},
};
use crate::{
    accounts,
    args::account::AddArgs,
    ask,
    connect::with_components,
    exit::{CliError, SUCCESS},
    keys,
};

pub(super) fn run(args: AddArgs, redactor: &Redactor) -> Result<ExitCode, CliError> {
    let (builder, component) = with_components(Host::builder(), &args.sources, Some(&args.component))?;
    let host = keys::equip(builder.redactor(redactor.clone()), &keys::Kept::InMemory)?.build()?;
    let loaded = host.component(&component.unwrap_or_default())?;
    let component = loaded.component();
    let name = args.name.clone().unwrap_or_else(|| component.name.clone());
    let folder = accounts::folder()?;
    if folder.has(&name) && !args.replace {
        let why = "change it with `keyway credential set`, give another name, or add --replace";
        return Err(CliError::Usage(format!("there is a credential `{name}` already; {why}")));
    }
    let mut draft = Draft { component, name: &name, file: empty(component), asks: asks(&args) };
    apply(&args.inputs, &mut draft.file);
    draft.file.secrets = references(component, &name, &args.inputs.secrets)?;
    draft.complete()?;
    let file = draft.file;
    check(&folder.file(&name).display().to_string(), &file, component)?;
    // Everything that a run would find wrong is found now.
    let named = CredentialFile { name: Some(name.clone()), ..without_commands(&file) };
    host.connect(Credential::from_value(named))?;
    let path = folder.save(&name, &file)?;
    ask::say(&format!("Wrote {}.", path.display()));
    ask::say(&next_step(component, &name, file.grant.as_deref()));
    Ok(ExitCode::from(SUCCESS))
}

/// Questions are asked where there is somebody, and standard input is not taken by secrets.
fn asks(args: &AddArgs) -> bool {
    ask::on_terminal() && !args.inputs.secrets.secrets_stdin
}

fn next_step(component: &Component, name: &str, grant: Option<&str>) -> String {
    let person = matches!(grant, Some("authorization_code" | "device_code"));
    match (person, &component.verify) {
        (true, _) => format!("Next: keyway login {name}"),
        (false, Some(_)) => format!("Next: keyway credential verify {name}"),
        (false, None) => format!("Next: keyway login {name}"),
    }
}

/// Programs are run from files only, and this account is none yet: another reference stands for theirs.
fn without_commands(file: &CredentialFile) -> CredentialFile {
    let mut file = file.clone();
    for secret in file.secrets.values_mut() {
        if matches!(secret, keyway::SecretRef::Command(_)) {
            *secret = keyway::SecretRef::Env("KEYWAY".to_owned());
        }
    }
    file
}

fn empty(component: &Component) -> CredentialFile {
    CredentialFile {
        schema: None,
        keyway: FORMAT,
        component: component.name.clone(),
        name: None,
        environment: None,
        client: None,
        grant: None,
        client_id: None,
        username: None,
        redirect_uri: None,
        scope: None,
        authorization_params: Default::default(),
        variables: Default::default(),
        secrets: Default::default(),
        retry: Default::default(),
        oauth2: Default::default(),
    }
}

/// A credential that is being put together.
struct Draft<'a> {
    component: &'a Component,
    name: &'a str,
    file: CredentialFile,
    asks: bool,
}

// === impl Draft ===

impl Draft<'_> {
    /// Asks for what is missing, or says what it is.
    fn complete(&mut self) -> Result<(), CliError> {
        if self.asks {
            let steps = accounts::setup_steps(self.component);
            ask::say(&format!("A new account of {}\n\n{steps}", self.component.title));
        }
        self.environment()?;
        self.grant()?;
        let mut missing = Vec::new();
        for input in self.wanted() {
            if !self.has(&input) {
                if self.asks {
                    self.ask_for(&input)?;
                } else {
                    missing.push(self.flag(&input));
                }
            }
        }
        if self.asks {
            for name in self.optional_variables() {
                let question = self.component.variables.get(&name).and_then(|variable| variable.title.clone());
                let answer = ask::optional(&question.unwrap_or_else(|| name.clone()))?;
                self.file.variables.extend(answer.map(|answer| (name, answer)));
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        Err(CliError::Usage(format!(
            "the account `{}` of `{}` lacks what its grant needs; add {}",
            self.name,
            self.component.name,
            missing.join(", ")
        )))
    }

    fn environment(&mut self) -> Result<(), CliError> {
        let names: Vec<&str> = self.component.environments.keys().map(String::as_str).collect();
        if self.file.environment.is_none() && names.len() > 1 {
            // A sandbox's secret must not end in production because somebody forgot a flag.
            if !self.asks {
                let why = format!(
                    "`{}` has several environments; add --environment {}",
                    self.component.name,
                    names.join("|")
                );
                return Err(CliError::Usage(why));
            }
            let default = self.component.implied_environment();
            self.file.environment = Some(ask::choice("Environment", &names, default)?.to_owned());
        }
        Ok(())
    }

    fn grant(&mut self) -> Result<(), CliError> {
        let names = self.component.grant_names();
        if self.file.grant.is_some() {
            return Ok(());
        }
        self.file.grant = Some(match names.as_slice() {
            [only] => (*only).to_owned(),
            _ if self.asks => ask::choice("Grant", &names, None)?.to_owned(),
            _ => {
                let why = format!("`{}` has several grants; add --grant {}", self.component.name, names.join("|"));
                return Err(CliError::Usage(why));
            }
        });
        Ok(())
    }

    /// The inputs that the account needs, in the order in which they are asked for. What a sign-in brings is none.
    fn wanted(&self) -> Vec<String> {
        let oauth2 = &self.component.oauth2;
        let mut wanted = Vec::new();
        let needs_client = self.file.grant.as_deref().is_none_or(|grant| oauth2.asking(grant).is_some());
        if self.file.client.is_none() && needs_client {
            wanted.push("client_id");
            wanted.extend(oauth2.token_endpoint_auth_method.secret());
        }
        let grant = self.file.grant.as_deref().unwrap_or_default();
        let inputs = keyway::grant_inputs(self.component, grant);
        let brought = ["code", "code_verifier", "device_code", "refresh_token", "redirect_uri"];
        let mut wanted: Vec<String> = wanted.into_iter().map(str::to_owned).collect();
        wanted.extend(inputs.into_iter().filter(|input| !brought.contains(&input.as_str())));
        let elsewhere = oauth2.grants.authorization_code.as_ref().is_some_and(|grant| !grant.loopback_redirect);
        if grant == "authorization_code" && elsewhere && self.file.client.is_none() {
            wanted.push("redirect_uri".to_owned());
        }
        if grant == "refresh_token" && self.asks {
            wanted.push("refresh_token".to_owned());
        }
        wanted.extend(self.variables_of_urls().filter(|name| !wanted.contains(name)).collect::<Vec<_>>());
        wanted
    }

    /// Variables without which the account's URLs cannot be made.
    fn variables_of_urls(&self) -> impl Iterator<Item = String> {
        let (component, environment) =
            (self.component, self.file.environment.as_deref().or(self.component.implied_environment()));
        let fixed = environment.and_then(|name| component.environments.get(name));
        let urls = component.oauth2.token_endpoint.iter().chain([&component.api.base_url]);
        urls.flat_map(keyway::Template::names).map(str::to_owned).filter(move |name| {
            let variable = component.variables.get(name);
            let is_told = variable.is_some_and(|variable| variable.default.is_some() || !variable.from.is_empty());
            !is_told && fixed.is_none_or(|fixed| !fixed.contains_key(name))
        })
    }

    /// Plain variables that only some messages need: no URL of the account and no grant names them.
    fn optional_variables(&self) -> Vec<String> {
        let fixed = |name: &str| self.component.environments.values().any(|values| values.contains_key(name));
        let custom = self.component.oauth2.custom_grants.values();
        let of_grants: Vec<&str> = custom
            .flat_map(|grant| grant.token_params.values().flatten().flat_map(keyway::JsonTemplate::names))
            .collect();
        let open = self.component.variables.iter().filter(|(name, variable)| {
            !variable.secret && variable.default.is_none() && !fixed(name) && !of_grants.contains(&name.as_str())
        });
        open.map(|(name, _)| name.clone()).filter(|name| !self.has(name)).collect()
    }

    fn is_secret(&self, input: &str) -> bool {
        let variable = self.component.variables.get(input);
        STANDARD_SECRETS.contains(&input) || variable.is_some_and(|variable| variable.secret)
    }

    fn has(&self, input: &str) -> bool {
        match input {
            "client_id" => self.file.client_id.is_some(),
            "username" => self.file.username.is_some(),
            "redirect_uri" => self.file.redirect_uri.is_some(),
            name => self.file.secrets.contains_key(name) || self.file.variables.contains_key(name),
        }
    }

    fn flag(&self, input: &str) -> String {
        match input {
            "client_id" => "--client-id ID".to_owned(),
            "username" => "--username NAME".to_owned(),
            "redirect_uri" => "--redirect-uri URL".to_owned(),
            name if self.is_secret(name) => format!("--secret {name}=env:… (or --secrets-stdin)"),
            name => format!("--variable {name}=…"),
        }
    }

    /// Asks until the answer fits: one that does not would be found only when all is asked.
    fn fitting(&self, input: &str, question: &str) -> Result<String, CliError> {
        loop {
            let answer = ask::text(question, None)?;
            let Some(variable) = self.component.variables.get(input) else { return Ok(answer) };
            let pattern = variable.pattern.as_ref().filter(|pattern| !pattern.matches_whole(&answer));
            match pattern {
                Some(pattern) => ask::say(&format!("  it has to match `{}`", pattern.source())),
                None if !variable.r#type.admits(&answer) => ask::say("  it is of another type"),
                None => return Ok(answer),
            }
        }
    }

    fn ask_for(&mut self, input: &str) -> Result<(), CliError> {
        let title = self.component.variables.get(input).and_then(|variable| variable.title.clone());
        let question = title.unwrap_or_else(|| match input {
            "client_id" => "Client ID".to_owned(),
            "client_secret" => "Client secret".to_owned(),
            "private_key" => "Private key (PEM)".to_owned(),
            "username" => "User name".to_owned(),
            "password" => "Password".to_owned(),
            "redirect_uri" => "Redirect URI, as it is registered".to_owned(),
            "refresh_token" => "Refresh token".to_owned(),
            other => other.to_owned(),
        });
        if self.is_secret(input) {
            let secret = seal(self.component, self.name, input, &ask::secret(&question)?)?;
            self.file.secrets.insert(input.to_owned(), secret);
            return Ok(());
        }
        let answer = Some(self.fitting(input, &question)?);
        match input {
            "client_id" => self.file.client_id = answer,
            "username" => self.file.username = answer,
            "redirect_uri" => self.file.redirect_uri = answer,
            name => self.file.variables.extend(answer.map(|answer| (name.to_owned(), answer))),
        }
        Ok(())
    }
}
