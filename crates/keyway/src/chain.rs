//! The way of a message, in this order, in this one place:
//!
//! 1. read — `message::parse`, before a message comes here
//! 2. route — [`crate::host`] finds the connection
//! 3. [`resolve`] — action, params and templates become a [`resolve::Call`]
//! 4. [`confine`] — its URL lies in the component's API, or it is refused before any token is asked for
//! 5. admit — the connection's gate, its pace, an attempt permit; waits and renewals come back to here
//! 6. attempt — a token, [`sign`], send, read
//! 7. [`judge`] — done, renew once, wait, or fail
//! 8. render — the `outcome` module, after a message has left here

mod action;
mod confine;
mod content;
mod explain;
mod judge;
mod redirect;
mod resolve;
mod sign;
mod spelling;
mod values;

pub use explain::Explanation;

use std::{borrow::Cow, sync::Arc, time::Duration};

use http::{Method, StatusCode};
use keyway_component::{Origin, component::Retry};
use keyway_http::{AttemptEnd, Schedule, WireAnswer, WireCall, WireFault};
use keyway_oauth::Token;
use tokio::time::Instant;
use url::Url;

use self::{
    confine::Confined,
    judge::{Action, AttemptFacts, Verdict, gate_effect, judge},
    resolve::Call,
};
use crate::{
    answer::{Answer, BodyKind},
    connection::Connection,
    failure::{Attempt, Code, Failure, RequestSummary},
    gate::{Change, GateReason, Pass, Patience, Shut},
    host::OnLimit,
    message::{Message, Target},
    raw_json::DEEPEST,
};

/// More hops than this are no way to an answer.
const MAX_REDIRECTS: u32 = 5;
/// A message is resolved anew so many times where its token leads elsewhere.
const MOST_MOVES: u32 = 2;

/// Takes one message from resolving to its answer.
pub(crate) async fn run(connection: &Connection, message: &Message) -> Result<Answer, Failure> {
    run_at(connection, message, None).await.map(|(answer, _)| answer)
}

/// The same, with a URL that an earlier answer gave instead of the message's own. Gives the URL that answered, too.
pub(crate) async fn run_at(
    connection: &Connection,
    message: &Message,
    at: Option<&Url>,
) -> Result<(Answer, Url), Failure> {
    let begun = Instant::now();
    let mut so_far = SoFar::default();
    loop {
        // Where the token tells the host, nothing can be resolved without one.
        let settled = connection.settled().await.map_err(|failure| finished(failure, begun))?;
        let connection = settled.as_ref().unwrap_or(connection);
        let mut journey = match resolve::resolve(connection, message).and_then(|call| call.at(connection, at)) {
            Ok(call) => Journey::new(connection, call, begun, so_far),
            Err(mut failure) => {
                let parts = failure.parts_mut();
                parts.message = connection.redactor().text(&parts.message).into_owned();
                return Err(finished(failure, begun));
            }
        };
        let mut failure = match journey.travel().await {
            Ok(mut answer) => {
                answer.attempts = journey.so_far.attempts;
                answer.elapsed = begun.elapsed();
                return check_output(connection, message, answer).map(|answer| (answer, journey.call.url));
            }
            Err(Stopped::LedElsewhere) if journey.so_far.led_elsewhere < MOST_MOVES => {
                so_far = journey.so_far;
                so_far.led_elsewhere += 1;
                continue;
            }
            Err(Stopped::LedElsewhere) => led_elsewhere(),
            Err(Stopped::Failed(failure)) => failure,
        };
        let parts = failure.parts_mut();
        parts.attempts = journey.so_far.attempts;
        parts.history = std::mem::take(&mut journey.so_far.history);
        parts.request = Some(RequestSummary {
            method: journey.call.method.to_string(),
            url: connection.redactor().url(&journey.call.url),
            credential: connection.account().name.clone(),
        });
        return Err(finished(failure, begun));
    }
}

/// A token that leads to another place each time is an end without end.
fn led_elsewhere() -> Failure {
    let why = "the token was renewed several times and leads to another place each time, so this message was not sent; send it \
         again";
    let mut failure = Failure::new(Code::TokenUnavailable, why);
    failure.parts_mut().retryable = true;
    failure
}

/// Holds the answer of an action against the schema that it declares.
fn check_output(connection: &Connection, message: &Message, answer: Answer) -> Result<Answer, Failure> {
    let Target::Action(name) = &message.target else { return Ok(answer) };
    if answer.body_kind() != BodyKind::Json || answer.status.as_u16() >= 400 {
        return Ok(answer);
    }
    let Some(why) = connection.loaded().breaks_output(name, answer.bytes()) else { return Ok(answer) };
    let why =
        format!("the answer is not what `output` of the action `{name}` says: {why}; correct the one or the other");
    let mut failure = Failure::new(Code::ResponseInvalid, why);
    let parts = failure.parts_mut();
    (parts.attempts, parts.elapsed, parts.answer) = (answer.attempts, answer.elapsed, Some(answer));
    Err(failure)
}

fn finished(mut failure: Failure, begun: Instant) -> Failure {
    failure.parts_mut().elapsed = begun.elapsed();
    failure
}

/// One message between resolving and its end.
struct Journey<'a> {
    connection: &'a Connection,
    call: Call,
    retry: Retry,
    /// Made when something is to be sent again: most messages never need one.
    schedule: Option<Schedule>,
    begun: Instant,
    redirects: u32,
    next_wait: Option<Duration>,
    so_far: SoFar,
}

/// What stays of a journey where the token leads the message to another place on the way.
#[derive(Default)]
struct SoFar {
    attempts: u32,
    retries: u32,
    /// Time that was spent waiting for a limit to end; it does not count against the message.
    held_back: Duration,
    /// The token that the API refused, once one was.
    rejected: Option<Arc<Token>>,
    rejections: u32,
    history: Vec<Attempt>,
    led_elsewhere: u32,
}

/// Why a journey ended before its answer.
enum Stopped {
    Failed(Failure),
    /// The token was renewed meanwhile, and tells another place for messages: this one is resolved anew.
    LedElsewhere,
}

impl From<Failure> for Stopped {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// An attempt that has been made.
struct Made {
    end: AttemptEnd,
    pass: Pass,
    token: Arc<Token>,
    /// Whether the token went with it.
    signed: bool,
}

// === impl Journey ===

impl<'a> Journey<'a> {
    fn new(connection: &'a Connection, call: Call, begun: Instant, so_far: SoFar) -> Self {
        let retry = connection.account().retry.with(&call.retry);
        Self { connection, call, retry, schedule: None, begun, redirects: 0, next_wait: None, so_far }
    }

    async fn travel(&mut self) -> Result<Answer, Stopped> {
        loop {
            self.admit().await?;
            let Some(Made { end, pass, token, signed }) = self.attempt().await? else { continue };
            let facts = AttemptFacts {
                repeatable: self.call.repeatable,
                accepted: accepted(&end, &self.call.accept),
                signed,
                renewed: self.is_renewed(&token),
                waits_for_limits: self.waits_for_limits(),
                retries: self.so_far.retries,
                elapsed: self.begun.elapsed().saturating_sub(self.so_far.held_back),
                scheduled_wait: self.scheduled_wait(&end),
            };
            let component = &self.connection.account().component;
            let now = self.connection.shared().clock.now();
            let verdict = judge(&end, &facts, component, &self.retry, now);
            self.tell(pass.report(gate_effect(&end, &verdict, component, now)));
            match verdict.action {
                Action::Done => match end {
                    AttemptEnd::Answered(mut wire) => match self.redirected(&wire) {
                        Some((next, confined)) => {
                            if self.leaves_origin(&next) {
                                self.drop_secret_headers();
                            }
                            self.note(Some(&wire), None, "redirect", Duration::ZERO);
                            (self.call.url, self.call.confined) = (next, confined);
                            self.redirects += 1;
                        }
                        None => {
                            self.mask_location(&mut wire);
                            return Ok(self.delivered(wire)?);
                        }
                    },
                    // Only an answer can be the end of a good way.
                    AttemptEnd::NeverSent(fault) | AttemptEnd::MaybeProcessed(fault) => {
                        return Err(Failure::new(Code::Internal, fault.detail).into());
                    }
                },
                Action::Renew => {
                    self.note_end(&end, &verdict, Duration::ZERO);
                    self.connection.forget_secret_parts();
                    self.so_far.rejected = Some(token);
                    self.so_far.rejections += 1;
                }
                Action::Wait(wait) => {
                    self.note_end(&end, &verdict, wait);
                    // Who may wait as long as it takes is not counted out while the API only asks for patience.
                    self.so_far.retries += u32::from(!(verdict.reason.is_throttle() && self.waits_for_limits()));
                    self.next_wait = None;
                    self.wait(wait, &verdict).await;
                }
                Action::Fail { code, retryable, retry_after } => {
                    return Err(self.failed(end, &verdict, code, retryable, retry_after).into());
                }
            }
        }
    }

    /// Logs what an attempt changed about the gate.
    fn tell(&self, change: Option<Change>) {
        let account = || self.connection.account().label();
        match change {
            Some(Change::Closed(reason)) => {
                tracing::info!(event = "gate_closed", account = %account(), %reason, "messages wait");
            }
            Some(Change::Opened) => tracing::info!(event = "gate_opened", account = %account(), "messages go on"),
            None => {}
        }
    }

    /// Whether a refused token has had its renewal. One that another process had left in the store was none: it may have
    /// ended there, unnoticed by a clock that was wrong.
    fn is_renewed(&self, token: &Token) -> bool {
        match self.so_far.rejections {
            0 => false,
            1 => !self.connection.tokens().is_adopted(token),
            _ => true,
        }
    }

    /// The wait that the schedule has next. It stays the next one until it was waited for, and a success asks for none.
    fn scheduled_wait(&mut self, end: &AttemptEnd) -> Duration {
        if matches!(end, AttemptEnd::Answered(wire) if wire.status.as_u16() < 400) {
            return Duration::ZERO;
        }
        let schedule = self.schedule.get_or_insert_with(|| Schedule::new(&self.retry));
        let jitter = &self.connection.shared().jitter;
        *self.next_wait.get_or_insert_with(|| schedule.next_wait(jitter.fraction()))
    }

    fn waits_for_limits(&self) -> bool {
        self.connection.shared().on_limit == OnLimit::Wait
    }

    /// Step 5: the gate, then the pace.
    async fn admit(&mut self) -> Result<(), Failure> {
        let waits = self.waits_for_limits();
        let patience = Patience {
            longest_wait: (!waits).then(|| Duration::from_millis(self.retry.max_wait_ms)),
            deadline: (!waits).then(|| self.begun + Duration::from_millis(self.retry.max_elapsed_ms)),
        };
        let from = Instant::now();
        self.connection.gate().wait(patience).await.map_err(shut)?;
        if waits {
            self.so_far.held_back += from.elapsed();
        }
        if let Some(pace) = self.connection.pace() {
            pace.turn().await;
        }
        Ok(())
    }

    /// Step 6: a token, the permits, the pass, the signature, the request. `None`: the gate was shut meanwhile.
    async fn attempt(&mut self) -> Result<Option<Made>, Stopped> {
        let tokens = self.connection.tokens();
        // Waiting for a renewal holds no permit, so that other accounts go on meanwhile.
        let first = tokens.token(self.so_far.rejected.as_ref()).await.map_err(Failure::from)?;
        let _own = self.connection.own_permit().await;
        let _permit = self.connection.shared().attempt_permit().await;
        let Some(pass) = self.connection.gate().try_pass() else { return Ok(None) };
        // Waiting for a permit takes time: the token is looked at again, which costs nothing while it is fresh. A
        // server that gave the very token back that it had refused is not asked a second time.
        let rejected = self.so_far.rejected.as_ref().filter(|rejected| !rejected.is_same(&first));
        let token = tokens.token(rejected).await.map_err(Failure::from)?;
        if !self.connection.is_settled_for(&token) {
            return Err(Stopped::LedElsewhere);
        }
        if self.so_far.attempts > 0 {
            self.make_anew()?;
        }
        let mut call = WireCall {
            method: self.call.method.clone(),
            url: self.call.url.clone(),
            headers: self.call.headers.clone(),
            body: self.call.body.clone(),
            timeout: self.call.timeout,
            max_body_bytes: self.connection.shared().max_body_bytes,
        };
        let signed = sign::sign(&mut call, self.call.confined, self.connection, &token).await?;
        self.so_far.attempts += 1;
        let end = sign::send(call, signed, self.connection, &token).await?;
        Ok(Some(Made { end, pass, token, signed }))
    }

    /// Makes those headers anew that are another one in each request.
    fn make_anew(&mut self) -> Result<(), Failure> {
        let Some(fresh) = &self.call.fresh else { return Ok(()) };
        for (name, template) in &self.connection.prepared().fresh_headers {
            if fresh.contains(name) {
                let value = resolve::fresh(self.connection, name, template)?;
                self.call.headers.insert(name, value);
            }
        }
        Ok(())
    }

    async fn wait(&self, wait: Duration, verdict: &Verdict) {
        tracing::debug!(
            event = "retry", account = %self.connection.account().label(), reason = verdict.reason.as_str(),
            wait_ms = wait.as_millis() as u64, retry = self.so_far.retries, "one more attempt"
        );
        // A throttled connection is waited for at its gate, together with all others.
        if !verdict.reason.is_throttle() {
            tokio::time::sleep(wait).await;
        }
    }

    /// Where the answer leads, if it may be followed: a repeatable read, to a place that messages may go to.
    fn redirected(&self, wire: &WireAnswer) -> Option<(Url, Confined)> {
        let reads = matches!(self.call.method, Method::GET | Method::HEAD);
        if !reads || self.redirects >= MAX_REDIRECTS {
            return None;
        }
        let next = redirect::target(wire, &self.call.url)?;
        let confined = confine::confine(self.connection, &next).ok()?.for_one_that(self.call.wants_token);
        // A server that puts the token into where it sends one must not send it elsewhere that way.
        let carries_a_secret = || self.connection.redactor().values(next.as_str()) != next.as_str();
        if self.leaves_origin(&next) && carries_a_secret() {
            return None;
        }
        Some((next, confined))
    }

    fn leaves_origin(&self, next: &Url) -> bool {
        Origin::of(next) != Origin::of(&self.call.url)
    }

    /// A message's own credentials do not cross an origin either, in whatever header they sit.
    fn drop_secret_headers(&mut self) {
        let redactor = self.connection.redactor();
        let secret: Vec<_> =
            self.call.headers.keys().filter(|name| redactor.is_secret_name(name.as_str())).cloned().collect();
        for name in secret {
            self.call.headers.remove(name);
        }
    }

    fn delivered(&self, wire: WireAnswer) -> Result<Answer, Failure> {
        let answer = Answer::new(wire, &self.call.method);
        if !answer.breaks_its_label() {
            return Ok(answer);
        }
        let mut failure = Failure::new(
            Code::ResponseInvalid,
            format!(
                "the answer says that it is JSON, and its body is none, or nested deeper than {DEEPEST} levels; it is \
                 passed on as text"
            ),
        );
        failure.parts_mut().answer = Some(answer);
        Err(failure)
    }

    /// A redirect that is not followed is shown, and some servers put the token into where they send one.
    fn mask_location(&self, wire: &mut WireAnswer) {
        use http::header::{Entry, LOCATION};
        let Entry::Occupied(mut locations) = wire.headers.entry(LOCATION) else { return };
        for location in locations.iter_mut() {
            let text = String::from_utf8_lossy(location.as_bytes());
            if let Cow::Owned(masked) = self.connection.redactor().values(&text)
                && let Ok(masked) = masked.parse()
            {
                *location = masked;
            }
        }
    }

    fn failed(
        &mut self,
        end: AttemptEnd,
        verdict: &Verdict,
        code: Code,
        retryable: bool,
        retry_after: Option<Duration>,
    ) -> Failure {
        let (message, answer) = match end {
            AttemptEnd::Answered(mut wire) => {
                self.mask_location(&mut wire);
                (verdict.reason.sentence(wire.status, retry_after), Some(Answer::new(wire, &self.call.method)))
            }
            AttemptEnd::NeverSent(fault) => (format!("the request was not sent: {fault}"), None),
            AttemptEnd::MaybeProcessed(fault) => (lost(&fault, self.call.repeatable), None),
        };
        let message = self.connection.redactor().text(&message).into_owned();
        let mut failure = Failure::new(code, message);
        let parts = failure.parts_mut();
        (parts.retryable, parts.retry_after, parts.answer) = (retryable, retry_after, answer);
        failure
    }

    fn note_end(&mut self, end: &AttemptEnd, verdict: &Verdict, wait: Duration) {
        match end {
            AttemptEnd::Answered(wire) => self.note(Some(wire), None, verdict.reason.as_str(), wait),
            AttemptEnd::NeverSent(fault) | AttemptEnd::MaybeProcessed(fault) => {
                self.note(None, Some(fault), verdict.reason.as_str(), wait);
            }
        }
    }

    fn note(&mut self, wire: Option<&WireAnswer>, fault: Option<&WireFault>, reason: &str, wait: Duration) {
        self.so_far.history.push(Attempt {
            status: wire.map(|wire| wire.status.as_u16()).or_else(|| fault.and_then(|fault| fault.status)),
            fault: fault.map(|fault| self.connection.redactor().text(&fault.detail).into_owned()),
            reason: reason.to_owned(),
            waited_ms: wait.as_millis() as u64,
        });
    }
}

fn accepted(end: &AttemptEnd, accept: &[u16]) -> bool {
    matches!(end, AttemptEnd::Answered(wire) if accept.contains(&wire.status.as_u16()))
}

fn lost(fault: &WireFault, repeatable: bool) -> String {
    let status = fault.status.and_then(|status| StatusCode::from_u16(status).ok());
    let so_far = status.map(|status| format!(" (its status was {status})")).unwrap_or_default();
    let advice =
        if repeatable { "" } else { "; the server may have done what was asked, so look before you repeat it" };
    format!("{fault}{so_far}{advice}")
}

fn shut(shut: Shut) -> Failure {
    let until = shut.wait.map(|wait| format!(" for {} ms more", wait.as_millis())).unwrap_or_default();
    let (code, why) = match shut.reason {
        GateReason::Throttled => (Code::RateLimited, "the API has asked for a pause"),
        GateReason::UsedUp => (Code::RateLimited, "the API has no requests left for this account"),
        GateReason::Broken => (Code::GateClosed, "the API has not been answering"),
    };
    let mut failure =
        Failure::new(code, format!("{why}{until}, which is longer than this message may wait; run it again later"));
    let parts = failure.parts_mut();
    (parts.retryable, parts.retry_after) = (true, shut.wait);
    failure
}
