//! Variables that the API itself tells: one question with a new token.

use std::{collections::BTreeMap, time::Duration};

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use keyway_component::{
    Origin, Secret,
    component::{ApiResponse, Authorization, Capture, Variable},
};
use keyway_http::{AttemptEnd, WireCall};
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
        for (name, variable, question) in questions {
            if told.contains_key(name) {
                continue;
            }
            let answer = self.ask(token, question).await.and_then(|text| {
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

    async fn ask(&self, token: &Token, question: &ApiResponse) -> Result<String, TokenFault> {
        let invalid = |why: String| TokenFault::new(TokenFaultKind::Invalid, self.redactor.text(&why).into_owned());
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
        let (timeout, body, max_body_bytes) = (self.timeout.min(PATIENCE), bytes::Bytes::new(), MAX_BODY_BYTES);
        let call = WireCall { method: Method::GET, url, headers, body, timeout, max_body_bytes };
        match self.transport.send(call).await {
            AttemptEnd::Answered(answer) if answer.status == StatusCode::OK => {
                let found = question.pointer.seek_text(&answer.body).filter(|text| !text.is_empty());
                found.ok_or_else(|| invalid(format!("there is nothing at `{}` of the answer", question.pointer)))
            }
            AttemptEnd::Answered(answer) => Err(invalid(format!("the API answered {}", answer.status))),
            AttemptEnd::NeverSent(fault) | AttemptEnd::MaybeProcessed(fault) => Err(invalid(fault.detail)),
        }
    }
}
