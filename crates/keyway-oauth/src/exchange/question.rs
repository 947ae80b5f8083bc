//! Variables that the API itself tells: questions with a new token, each asked once.

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use keyway_component::{
    Origin, Pointer, Secret, Template,
    component::{ApiResponse, Authorization, Capture, Variable},
};
use keyway_http::{AttemptEnd, WireCall};
use serde_json::Value;
use url::Url;

use super::{Exchange, MAX_BODY_BYTES};
use crate::{
    account::fits,
    fault::{TokenFault, TokenFaultKind},
    token::{Captured, Token},
};

/// The lock on the token outlives its request by more than this.
const PATIENCE: Duration = Duration::from_secs(5);

// === impl Exchange ===

impl Exchange<'_> {
    /// What is still missing of the account's variables, asked of the API with a token that is stored already: nothing is
    /// lost while the API is slow. What cannot be had stays missing, and messages that need it say so. `None`: nothing
    /// new was told.
    pub(crate) async fn told_by_api(&self, token: &Token) -> Option<Token> {
        let mut questions: Vec<(&str, &Variable, &ApiResponse)> = Vec::new();
        for (name, variable) in self.account.captures().filter(|(name, _)| token.captured.get(name).is_none()) {
            for place in &variable.from {
                if let Capture::ApiResponse(question) = place {
                    questions.push((name, variable, question));
                }
            }
        }
        let mut told: BTreeMap<String, Secret> = BTreeMap::new();
        let mut answers: Vec<(&ApiResponse, Result<Bytes, TokenFault>)> = Vec::new();
        for (name, variable, question) in questions {
            if told.contains_key(name) {
                continue;
            }
            let same = |(asked, _): &&(&ApiResponse, Result<Bytes, TokenFault>)| {
                asked.url == question.url && asked.body == question.body
            };
            let answer = match answers.iter().find(same) {
                Some((_, answer)) => answer.clone(),
                None => {
                    let answer = self.ask(token, question).await;
                    answers.push((question, answer.clone()));
                    answer
                }
            };
            let answer = answer.and_then(|body| self.found(token, question, &body)).and_then(|text| {
                let unfit = || TokenFault::new(TokenFaultKind::Invalid, "the value breaks the variable's pattern");
                fits(variable, &text).then_some(text).ok_or_else(unfit)
            });
            match answer {
                Ok(text) => _ = told.insert(name.to_owned(), Secret::new(text)),
                Err(why) => tracing::error!(
                    event = "variable_not_told", account = %self.account.label(), variable = name, %why,
                    "the API did not tell a variable; messages that need it are refused"
                ),
            }
        }
        if told.is_empty() {
            return None;
        }
        told.extend(token.captured.iter().map(|(name, value)| (name.to_owned(), value.clone())));
        let captured: Captured = told.into_iter().collect();
        self.account.know_captured(&captured, self.redactor);
        Some(Token { captured, ..token.clone() })
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
            AttemptEnd::Answered(answer) => Err(invalid(format!("the API answered {}", answer.status))),
            AttemptEnd::NeverSent(fault) | AttemptEnd::MaybeProcessed(fault) => Err(invalid(fault.detail)),
        }
    }
}
