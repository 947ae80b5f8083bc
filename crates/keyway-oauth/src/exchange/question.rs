//! Variables that the API itself tells: questions with a new token, each asked once.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use keyway_component::{
    Origin, Pointer, Secret, Template,
    component::{ApiResponse, Authorization, Capture, Variable},
};
use keyway_http::{AttemptEnd, WireCall};
use serde_json::Value;
use tokio::time::Instant;
use url::Url;

use super::{
    Exchange, MAX_BODY_BYTES,
    second::{ATTEMPTS, BETWEEN},
};
use crate::{
    account::{Account, fits},
    fault::{TokenFault, TokenFaultKind},
    token::Token,
};

/// The lock on the token outlives its request by more than this.
const PATIENCE: Duration = Duration::from_secs(5);

/// What questions were answered with.
type Answers<'q> = Vec<(&'q ApiResponse, Result<Bytes, TokenFault>)>;

/// A variable that the API may tell.
struct Untold<'q> {
    name: &'q str,
    variable: &'q Variable,
    questions: Vec<&'q ApiResponse>,
    /// Why the last question did not tell it.
    why: Option<TokenFault>,
}

// === impl Untold ===

impl<'q> Untold<'q> {
    fn of((name, variable): (&'q str, &'q Variable)) -> Option<Self> {
        let question = |place: &'q Capture| match place {
            Capture::ApiResponse(question) => Some(&**question),
            _ => None,
        };
        let questions: Vec<&ApiResponse> = variable.from.iter().filter_map(question).collect();
        (!questions.is_empty()).then_some(Self { name, variable, questions, why: None })
    }
}

// === impl Exchange ===

impl Exchange<'_> {
    /// What is still missing of the account's variables, asked of the API with a token that is stored already: nothing is
    /// lost while the API is slow. What cannot be had stays missing, and messages that need it say so. `None`: nothing
    /// new was told.
    pub(crate) async fn told_by_api(&self, token: &Token) -> Option<Token> {
        let untold = self.account.captures().filter(|(name, _)| token.captured.get(name).is_none());
        let mut untold: Vec<Untold<'_>> = untold.filter_map(Untold::of).collect();
        let mut token = token.clone();
        let mut answers: Answers<'_> = Vec::new();
        let (mut is_told, begun) = (false, Instant::now());
        // What one question tells may stand in the next one.
        loop {
            let before = untold.len();
            let mut left = Vec::new();
            for mut variable in untold {
                match self.told_of(&token, &mut variable, &mut answers, begun).await {
                    Some(text) => token.captured.set(variable.name, Secret::new(text)),
                    None => left.push(variable),
                }
            }
            untold = left;
            is_told |= untold.len() < before;
            if untold.is_empty() || untold.len() == before {
                break;
            }
        }
        for Untold { name, why, .. } in untold {
            let why = why.unwrap_or_else(|| self.invalid("what its question names is not known either"));
            tracing::error!(
                event = "variable_not_told", account = %self.account.label(), variable = name, %why,
                "the API did not tell a variable; messages that need it are refused"
            );
        }
        is_told.then(|| {
            self.account.know_captured(&token.captured, self.redactor);
            token
        })
    }

    /// What the first question tells that can be asked and answered.
    async fn told_of<'q>(
        &self,
        token: &Token,
        of: &mut Untold<'q>,
        answers: &mut Answers<'q>,
        begun: Instant,
    ) -> Option<String> {
        for question in &of.questions {
            if question
                .names()
                .any(|name| self.account.captures().any(|(late, _)| late == name && token.captured.get(late).is_none()))
            {
                continue;
            }
            let same = |(asked, _): &&(&ApiResponse, Result<Bytes, TokenFault>)| {
                asked.url == question.url && asked.body == question.body
            };
            let answer = match answers.iter().find(same) {
                Some((_, answer)) => answer.clone(),
                None => {
                    let answer = self.asked(token, question, begun).await;
                    answers.push((*question, answer.clone()));
                    answer
                }
            };
            let told = answer.and_then(|body| self.found(token, question, &body)).and_then(|text| {
                let unfit = || TokenFault::new(TokenFaultKind::Invalid, "the value breaks the variable's pattern");
                of.variable.extracted(text).filter(|text| fits(of.variable, text)).ok_or_else(unfit)
            });
            match told {
                Ok(text) => return Some(text),
                Err(why) => of.why = Some(why),
            }
        }
        None
    }

    /// Asks, and again where the API is down for a moment, as long as there is patience for all questions together.
    async fn asked(&self, token: &Token, question: &ApiResponse, begun: Instant) -> Result<Bytes, TokenFault> {
        let mut answer = self.ask(token, question).await;
        for _ in 1..ATTEMPTS {
            let passes = matches!(&answer, Err(fault) if fault.kind == TokenFaultKind::NotProcessed);
            if !passes || begun.elapsed() + BETWEEN > PATIENCE {
                break;
            }
            tokio::time::sleep(BETWEEN).await;
            answer = self.ask(token, question).await;
        }
        answer
    }

    fn invalid(&self, why: &str) -> TokenFault {
        TokenFault::new(TokenFaultKind::Invalid, self.redactor.text(why).into_owned())
    }

    /// The value in an answer.
    fn found(&self, token: &Token, question: &ApiResponse, body: &[u8]) -> Result<String, TokenFault> {
        let nothing = |at: &Pointer| self.invalid(&format!("there is nothing at `{at}` of the answer"));
        let Some(item) = &question.item else {
            let found = question.pointer.seek_text(body).filter(|text| !text.is_empty());
            return found.ok_or_else(|| nothing(&question.pointer));
        };
        let account = self.settled(&token.captured)?;
        let wanted = item.equals.render(|name| account.plain(name).map(Into::into));
        let wanted = wanted.map_err(|error| self.invalid(&error.to_string()))?;
        let document: Value = serde_json::from_slice(body).map_err(|_| self.invalid("the answer is no JSON"))?;
        let list = item.list.find(&document).and_then(Value::as_array).ok_or_else(|| nothing(&item.list))?;
        let chosen = list.iter().find(|each| item.pointer.find_text(each).is_some_and(|text| text == wanted));
        let chosen = chosen
            .ok_or_else(|| self.invalid(&format!("no item of the answer has `{wanted}` at `{}`", item.pointer)))?;
        question.pointer.find_text(chosen).filter(|text| !text.is_empty()).ok_or_else(|| nothing(&question.pointer))
    }

    async fn ask(&self, token: &Token, question: &ApiResponse) -> Result<Bytes, TokenFault> {
        let invalid = |why: String| self.invalid(&why);
        // What the token told may stand in the question's URL.
        let account = self.settled(&token.captured)?;
        let text =
            question.url.render_url(keyway_component::UrlForm::Endpoint, |name| account.plain(name).map(Into::into));
        let url = text
            .map_err(|error| error.to_string())
            .and_then(|text| Url::parse(&text).map_err(|error| error.to_string()));
        let mut url = url.map_err(|why| invalid(format!("`{}` is no URL: {why}", question.url)))?;
        // The lint says the same of the component; a variable may lead elsewhere.
        let origin = Origin::of(&url).filter(|origin| origin.is_https() || origin.is_loopback());
        if origin.is_none() {
            return Err(invalid(format!("`{}` would send the token in the clear", question.url)));
        }
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        self.add_common(&account, &mut headers, &mut url).await.map_err(&invalid)?;
        for place in account.authorizations() {
            match place {
                Authorization::Header { name, scheme } => {
                    let value = format!("{scheme} {}", token.access_token.expose_secret_text());
                    let name = HeaderName::try_from(name.as_str()).map_err(|error| invalid(error.to_string()))?;
                    let mut value =
                        HeaderValue::try_from(value.trim_start()).map_err(|error| invalid(error.to_string()))?;
                    value.set_sensitive(true);
                    headers.insert(name, value);
                }
                Authorization::Query { name } => {
                    url.query_pairs_mut().append_pair(name, token.access_token.expose_secret_text());
                }
            }
        }
        let (timeout, max_body_bytes) = (self.timeout.min(PATIENCE), MAX_BODY_BYTES);
        let (method, body) = match &question.body {
            None => (Method::GET, Bytes::new()),
            Some(body) => {
                headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
                let fill = |template: &Template| {
                    template.render(|name| account.plain(name).map(Into::into)).map(|text| Some(Value::String(text)))
                };
                let body = body.render(fill).map_err(|error| invalid(error.to_string()))?;
                (Method::POST, body.unwrap_or_default().to_string().into())
            }
        };
        let call = WireCall { method, url, headers, body, timeout, max_body_bytes };
        match self.transport.send(call).await {
            AttemptEnd::Answered(answer) if answer.status == StatusCode::OK => Ok(Bytes::copy_from_slice(&answer.body)),
            AttemptEnd::Answered(answer) => {
                let passes = answer.status.is_server_error() || answer.status == StatusCode::TOO_MANY_REQUESTS;
                let kind = if passes { TokenFaultKind::NotProcessed } else { TokenFaultKind::Invalid };
                Err(TokenFault { kind, ..invalid(format!("the API answered {}", answer.status)) })
            }
            // A question changes nothing.
            AttemptEnd::NeverSent(fault) | AttemptEnd::MaybeProcessed(fault) => {
                let kind = if fault.is_final() { TokenFaultKind::Invalid } else { TokenFaultKind::NotProcessed };
                Err(TokenFault { kind, ..invalid(fault.detail) })
            }
        }
    }

    /// Headers and query parameters of every request, as far as they are known by now.
    async fn add_common(&self, account: &Account, headers: &mut HeaderMap, url: &mut Url) -> Result<(), String> {
        let api = &account.component.api;
        for (name, template) in &api.headers {
            let Some(text) = self.known(account, template).await? else { continue };
            let name = HeaderName::try_from(name.as_str()).map_err(|error| error.to_string())?;
            let mut value = HeaderValue::try_from(text.expose_secret_text()).map_err(|error| error.to_string())?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        for (name, template) in &api.query {
            if url.query_pairs().any(|(own, _)| own == *name) {
                continue;
            }
            if let Some(text) = self.known(account, template).await? {
                url.query_pairs_mut().append_pair(name, text.expose_secret_text());
            }
        }
        Ok(())
    }

    /// What a template becomes; `None` where it names what is still to be told, or becomes nothing.
    async fn known(&self, account: &Account, template: &Template) -> Result<Option<Secret>, String> {
        let is_new = |name: &str| matches!(name, "uuid" | "timestamp");
        if !template.names().all(|name| is_new(name) || account.plain(name).is_some() || account.has_secret(name)) {
            return Ok(None);
        }
        let text = if template.names().any(is_new) {
            Secret::new(account.fill_anew(template, self.clock.now())?)
        } else {
            account.fill_with_secrets(template, self.redactor).await?
        };
        Ok(Some(text).filter(|text| !text.expose_secret_text().is_empty()))
    }
}
