//! What an attempt's end means. Pure: the end, the facts and the rules go in, a verdict with its reason comes out.

use std::time::{Duration, SystemTime};

use http::StatusCode;
use keyway_component::{
    Component,
    component::{AnswerMatch, Retry, Throttle},
};
use keyway_http::{AttemptEnd, WireAnswer, WireFault, WireFaultKind, remaining, throttle_wait};

use crate::{failure::Code, gate::Effect};

/// What the judgement rests on beside the end itself.
#[derive(Debug, Clone)]
pub(super) struct AttemptFacts {
    /// Whether the request may be sent twice without harm.
    pub(super) repeatable: bool,
    /// Whether the message says that this status is no failure.
    pub(super) accepted: bool,
    /// Whether the token went with the request: only then can it have been refused.
    pub(super) signed: bool,
    /// Whether the message waits for limits to end, however long that takes.
    pub(super) waits_for_limits: bool,
    /// Whether the token was renewed for this message already.
    pub(super) renewed: bool,
    /// Retries so far.
    pub(super) retries: u32,
    /// Time since the message began.
    pub(super) elapsed: Duration,
    /// The wait that the schedule has next.
    pub(super) scheduled_wait: Duration,
}

/// What is to be done, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) action: Action,
    pub(super) reason: Reason,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Action {
    /// The answer is the message's answer.
    Done,
    /// The token was refused: renew it and send again.
    Renew,
    /// Send again after this.
    Wait(Duration),
    /// The message has failed.
    Fail { code: Code, retryable: bool, retry_after: Option<Duration> },
}

/// Why. Its text is that of logs and of `history`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reason {
    Answered,
    Accepted,
    Throttled,
    UnavailableWithWait,
    ServerError,
    TokenRejected,
    TokenRejectedAgain,
    Refused,
    SaysFailure,
    NeverSent,
    Lost,
}

/// Judges the end of an attempt.
pub(super) fn judge(
    end: &AttemptEnd,
    facts: &AttemptFacts,
    component: &Component,
    retry: &Retry,
    now: SystemTime,
) -> Verdict {
    let rules = Rules { facts, component, retry, now };
    match end {
        AttemptEnd::Answered(answer) => rules.answered(answer),
        AttemptEnd::NeverSent(fault) => rules.on_the_wire(fault, Reason::NeverSent, true),
        AttemptEnd::MaybeProcessed(fault) => rules.on_the_wire(fault, Reason::Lost, facts.repeatable),
    }
}

/// What the end says about the connection as a whole.
pub(super) fn gate_effect(end: &AttemptEnd, verdict: &Verdict, component: &Component, now: SystemTime) -> Effect {
    match (end, verdict.reason) {
        (AttemptEnd::Answered(answer), reason) if reason.is_throttle() || throttles(&component.throttle, answer) => {
            // Also where the message takes the refusal for data.
            let told = told_wait(&component.throttle, answer, now);
            let wait = match verdict.action {
                Action::Wait(wait) => Some(wait),
                Action::Fail { retry_after, .. } => retry_after,
                _ => None,
            };
            Effect::Throttled(told.or(wait).unwrap_or_default())
        }
        (AttemptEnd::Answered(answer), _) if says_server_error(answer.status) => Effect::Trouble,
        (AttemptEnd::Answered(answer), _) => match remaining(&component.throttle, &answer.headers) {
            Some(0) => {
                let reset = component.throttle.reset.as_ref();
                Effect::UsedUp(reset.and_then(|_| throttle_wait(&component.throttle, &answer.headers, |_| None, now)))
            }
            _ => Effect::Fine,
        },
        (AttemptEnd::NeverSent(fault) | AttemptEnd::MaybeProcessed(fault), _) => match fault.kind {
            WireFaultKind::AddressRefused | WireFaultKind::TooLarge | WireFaultKind::Unusable => Effect::Fine,
            _ => Effect::Trouble,
        },
    }
}

struct Rules<'a> {
    facts: &'a AttemptFacts,
    component: &'a Component,
    retry: &'a Retry,
    now: SystemTime,
}

// === impl Rules ===

impl Rules<'_> {
    fn answered(&self, answer: &WireAnswer) -> Verdict {
        let status = answer.status;
        // A token that is refused is renewed even where the message takes the refusal for data.
        if self.facts.accepted && (self.facts.renewed || !self.token_rejected(answer)) {
            return Verdict { action: Action::Done, reason: Reason::Accepted };
        }
        let throttle = &self.component.throttle;
        let throttled = throttles(throttle, answer);
        if throttled || status == StatusCode::SERVICE_UNAVAILABLE {
            let told = told_wait(throttle, answer, self.now);
            if throttled {
                return self.throttled(told, Reason::Throttled, Code::RateLimited);
            }
            if told.is_some() {
                // RFC 9110 section 15.6.4: the server did not do it and says when it will.
                return self.throttled(told, Reason::UnavailableWithWait, Code::HttpStatus);
            }
        }
        if self.token_rejected(answer) {
            return self.rejected();
        }
        if self.retry.statuses.contains(&status.as_u16()) {
            return self.again_or(Reason::ServerError, Code::HttpStatus, self.facts.repeatable);
        }
        if status.is_client_error() || says_server_error(status) {
            let retryable = self.facts.repeatable && says_server_error(status);
            return fail(Reason::Refused, Code::HttpStatus, retryable, None);
        }
        if self.says_failure(answer) {
            return fail(Reason::SaysFailure, Code::HttpStatus, false, None);
        }
        Verdict { action: Action::Done, reason: Reason::Answered }
    }

    /// Nothing was done by the server, so any method may be sent again, after the server's wait or the schedule's.
    fn throttled(&self, told: Option<Duration>, reason: Reason, code: Code) -> Verdict {
        let wait = told.unwrap_or(self.facts.scheduled_wait);
        if self.facts.waits_for_limits {
            return Verdict { action: Action::Wait(wait), reason };
        }
        if wait > Duration::from_millis(self.retry.max_wait_ms) {
            return fail(reason, Code::RateLimited, true, Some(wait));
        }
        if self.may_retry(wait) {
            Verdict { action: Action::Wait(wait), reason }
        } else {
            fail(reason, code, true, Some(wait))
        }
    }

    fn rejected(&self) -> Verdict {
        if self.facts.renewed {
            fail(Reason::TokenRejectedAgain, Code::TokenDenied, false, None)
        } else {
            Verdict { action: Action::Renew, reason: Reason::TokenRejected }
        }
    }

    fn on_the_wire(&self, fault: &WireFault, reason: Reason, safe: bool) -> Verdict {
        let code = match fault.kind {
            WireFaultKind::AddressRefused => Code::AddressNotAllowed,
            WireFaultKind::Tls => Code::Tls,
            WireFaultKind::Timeout => Code::Timeout,
            WireFaultKind::TooLarge => Code::ResponseTooLarge,
            WireFaultKind::Protocol => Code::ResponseInvalid,
            _ => Code::Network,
        };
        if fault.is_final() {
            return fail(reason, code, false, None);
        }
        self.again_or(reason, code, safe)
    }

    fn again_or(&self, reason: Reason, code: Code, safe: bool) -> Verdict {
        let wait = self.facts.scheduled_wait;
        if safe && self.may_retry(wait) {
            Verdict { action: Action::Wait(wait), reason }
        } else {
            fail(reason, code, safe, None)
        }
    }

    fn may_retry(&self, wait: Duration) -> bool {
        let in_time = self.facts.elapsed + wait <= Duration::from_millis(self.retry.max_elapsed_ms);
        self.facts.retries < self.retry.count && in_time
    }

    fn token_rejected(&self, answer: &WireAnswer) -> bool {
        if !self.facts.signed {
            return false;
        }
        self.component.token_rejected.when.iter().any(|rule| fits(rule, answer))
    }

    fn says_failure(&self, answer: &WireAnswer) -> bool {
        let rule = self.component.api.failure.as_ref();
        rule.is_some_and(|rule| rule.is_failure(rule.pointer.seek(&answer.body).as_ref()))
    }
}

/// Whether an answer says "slower".
fn throttles(throttle: &Throttle, answer: &WireAnswer) -> bool {
    throttle.statuses.contains(&answer.status.as_u16()) || throttle.when.iter().any(|rule| fits(rule, answer))
}

fn fits(rule: &AnswerMatch, answer: &WireAnswer) -> bool {
    keyway_http::fits(rule, answer.status.as_u16(), &answer.headers, |at| at.seek_text(&answer.body))
}

fn fail(reason: Reason, code: Code, retryable: bool, retry_after: Option<Duration>) -> Verdict {
    Verdict { action: Action::Fail { code, retryable, retry_after }, reason }
}

/// RFC 9110 section 15: what is beyond the classes is taken for a server error.
fn says_server_error(status: StatusCode) -> bool {
    status.as_u16() >= 500
}

/// The wait that a throttled answer tells, in its headers or, where the component has a rule for it, in its body.
fn told_wait(throttle: &Throttle, answer: &WireAnswer, now: SystemTime) -> Option<Duration> {
    throttle_wait(throttle, &answer.headers, |at| at.seek_text(&answer.body), now)
}

// === impl Reason ===

impl Reason {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Accepted => "accepted",
            Self::Throttled => "throttled",
            Self::UnavailableWithWait => "unavailable_with_wait",
            Self::ServerError => "server_error",
            Self::TokenRejected => "token_rejected",
            Self::TokenRejectedAgain => "token_rejected_again",
            Self::Refused => "refused",
            Self::SaysFailure => "says_failure",
            Self::NeverSent => "never_sent",
            Self::Lost => "lost",
        }
    }

    pub(super) fn is_throttle(self) -> bool {
        matches!(self, Self::Throttled | Self::UnavailableWithWait)
    }

    /// What a failed message says about its answer.
    pub(super) fn sentence(self, status: StatusCode, retry_after: Option<Duration>) -> String {
        // The number alone: not every throttle status has a name.
        let status = status.as_u16();
        match (self, retry_after) {
            (Self::Throttled | Self::UnavailableWithWait, Some(wait)) => {
                format!(
                    "the API answered {status} and asks for a wait of {} ms; run the message again after that",
                    wait.as_millis()
                )
            }
            (Self::TokenRejectedAgain, _) => {
                format!(
                    "the API answered {status} to a token that was renewed for this message; check what the account may do"
                )
            }
            (Self::SaysFailure, _) => format!("the API answered {status}, and its body says that it failed"),
            _ => format!("the API answered {status}"),
        }
    }
}

#[cfg(test)]
mod tests;
