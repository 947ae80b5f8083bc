//! The gate's state machine. Pure: time goes in, decisions come out.

use std::{fmt, time::Duration};

use tokio::time::Instant;

/// So many attempts in a row that found the server unreachable, silent or broken close the gate.
const TROUBLE_LIMIT: u32 = 10;
/// The first pause of a broken connection; it doubles with each failed probe.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Why a gate is shut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GateReason {
    /// The server asked for a pause.
    Throttled,
    /// The server said that no requests are left.
    UsedUp,
    /// The server does not answer, or only with 5xx.
    Broken,
}

/// What became of a gate by an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// It was shut, or shut for longer.
    Closed(GateReason),
    /// It is open for all again.
    Opened,
}

/// What an attempt says about its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// The server is well.
    Fine,
    /// It asks for a pause.
    Throttled(Duration),
    /// It is well, and has no requests left; with the time until it has, if it says so.
    UsedUp(Option<Duration>),
    /// It cannot be reached, is silent, or answers 5xx.
    Trouble,
}

/// Whether an attempt decides for all, and in which round of probing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PassKind {
    Normal,
    Probe(u64),
}

/// What the gate says to a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Try {
    Pass(PassKind),
    Until(Instant, GateReason),
    Probing(GateReason),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Phase {
    #[default]
    Open,
    Closed(Instant, GateReason),
    Probing(u64, GateReason),
}

#[derive(Debug, Default)]
pub(crate) struct GateState {
    phase: Phase,
    round: u64,
    troubles: u32,
    pauses: u32,
}

// === impl GateState ===

impl GateState {
    /// What [`GateState::try_pass`] would say, without taking anything.
    pub(crate) fn look(&self, now: Instant) -> Try {
        match self.phase {
            Phase::Closed(until, reason) if now < until => Try::Until(until, reason),
            Phase::Probing(_, reason) => Try::Probing(reason),
            Phase::Open | Phase::Closed(..) => Try::Pass(PassKind::Normal),
        }
    }

    /// Whether an attempt may be made now. The first one after a closed time is the probe.
    pub(crate) fn try_pass(&mut self, now: Instant) -> Try {
        match (self.look(now), self.phase) {
            (Try::Pass(_), Phase::Closed(_, reason)) => {
                self.round += 1;
                self.phase = Phase::Probing(self.round, reason);
                Try::Pass(PassKind::Probe(self.round))
            }
            (decision, _) => decision,
        }
    }

    /// Takes in what became of an attempt. Returns what that changed about the gate.
    pub(crate) fn report(&mut self, kind: PassKind, effect: Effect, now: Instant) -> Option<Change> {
        let decides =
            matches!((kind, self.phase), (PassKind::Probe(round), Phase::Probing(current, _)) if round == current);
        match effect {
            Effect::Throttled(wait) => {
                self.troubles = 0;
                Some(self.close(now + wait, GateReason::Throttled))
            }
            Effect::UsedUp(wait) => {
                self.troubles = 0;
                // Without a time the next message is sent as a probe: only the refusal tells how long it takes.
                let shut = self.phase == Phase::Open || decides;
                shut.then(|| self.close(now + wait.unwrap_or_default(), GateReason::UsedUp))
            }
            Effect::Fine => {
                self.troubles = 0;
                decides.then(|| {
                    self.pauses = 0;
                    self.phase = Phase::Open;
                    Change::Opened
                })
            }
            Effect::Trouble => {
                self.troubles = self.troubles.saturating_add(1);
                let enough = self.phase == Phase::Open && self.troubles >= TROUBLE_LIMIT;
                (enough || decides).then(|| {
                    let pause = FIRST_PAUSE.saturating_mul(1 << self.pauses.min(10)).min(LONGEST_PAUSE);
                    self.pauses = self.pauses.saturating_add(1);
                    self.close(now + pause, GateReason::Broken)
                })
            }
        }
    }

    /// A probe that was given up says nothing: the next message probes.
    pub(crate) fn abandon(&mut self, kind: PassKind, now: Instant) {
        if let (PassKind::Probe(round), Phase::Probing(current, reason)) = (kind, self.phase)
            && round == current
        {
            self.phase = Phase::Closed(now, reason);
        }
    }

    /// Closes until then, or later if it is closed for longer already.
    fn close(&mut self, until: Instant, reason: GateReason) -> Change {
        match self.phase {
            Phase::Closed(later, earlier_reason) if later > until => Change::Closed(earlier_reason),
            _ => {
                self.phase = Phase::Closed(until, reason);
                Change::Closed(reason)
            }
        }
    }
}

impl fmt::Display for GateReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Throttled => "throttled",
            Self::UsedUp => "used_up",
            Self::Broken => "broken",
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const NORMAL: Try = Try::Pass(PassKind::Normal);

    fn probe(state: &mut GateState, now: Instant) -> PassKind {
        match state.try_pass(now) {
            Try::Pass(kind @ PassKind::Probe(_)) => kind,
            other => panic!("no probe but {other:?}"),
        }
    }

    #[test]
    fn throttled_then_one_probe_then_all() {
        let (mut state, start) = (GateState::default(), Instant::now());
        assert_eq!(state.try_pass(start), NORMAL);
        assert_eq!(
            state.report(PassKind::Normal, Effect::Throttled(3 * SECOND), start),
            Some(Change::Closed(GateReason::Throttled))
        );
        // Others that were under way get refused too; the longest wait counts, and late good news opens nothing.
        state.report(PassKind::Normal, Effect::Throttled(SECOND), start);
        state.report(PassKind::Normal, Effect::Fine, start + SECOND);
        assert_eq!(state.try_pass(start + SECOND), Try::Until(start + 3 * SECOND, GateReason::Throttled));
        let kind = probe(&mut state, start + 3 * SECOND);
        assert_eq!(state.try_pass(start + 3 * SECOND), Try::Probing(GateReason::Throttled));
        state.report(PassKind::Normal, Effect::Fine, start + 3 * SECOND);
        assert_eq!(state.try_pass(start + 3 * SECOND), Try::Probing(GateReason::Throttled), "only the probe decides");
        assert_eq!(state.report(kind, Effect::Fine, start + 3 * SECOND), Some(Change::Opened));
        assert_eq!(state.try_pass(start + 3 * SECOND), NORMAL);
    }

    #[test]
    fn a_probe_that_fails_or_is_given_up() {
        let (mut state, start) = (GateState::default(), Instant::now());
        state.report(PassKind::Normal, Effect::Throttled(SECOND), start);
        let first = probe(&mut state, start + SECOND);
        state.abandon(first, start + SECOND);
        let second = probe(&mut state, start + SECOND);
        state.report(first, Effect::Fine, start + SECOND);
        assert_eq!(state.try_pass(start + SECOND), Try::Probing(GateReason::Throttled), "an old probe does not decide");
        state.report(second, Effect::Throttled(5 * SECOND), start + SECOND);
        assert_eq!(state.try_pass(start + SECOND), Try::Until(start + 6 * SECOND, GateReason::Throttled));
    }

    #[test]
    fn used_up_probes_one_at_a_time_until_the_refusal_tells_the_wait() {
        let (mut state, start) = (GateState::default(), Instant::now());
        assert_eq!(
            state.report(PassKind::Normal, Effect::UsedUp(None), start),
            Some(Change::Closed(GateReason::UsedUp))
        );
        let kind = probe(&mut state, start);
        assert_eq!(state.try_pass(start), Try::Probing(GateReason::UsedUp));
        state.report(kind, Effect::UsedUp(None), start);
        let kind = probe(&mut state, start);
        state.report(kind, Effect::Throttled(9 * SECOND), start);
        assert_eq!(state.try_pass(start), Try::Until(start + 9 * SECOND, GateReason::Throttled));
    }

    #[test]
    fn a_run_of_trouble_breaks_it_and_pauses_double() {
        let (mut state, start) = (GateState::default(), Instant::now());
        for _ in 1..TROUBLE_LIMIT {
            assert_eq!(state.report(PassKind::Normal, Effect::Trouble, start), None);
        }
        state.report(PassKind::Normal, Effect::Fine, start);
        for _ in 1..TROUBLE_LIMIT {
            assert_eq!(state.report(PassKind::Normal, Effect::Trouble, start), None, "good news starts the count anew");
        }
        assert_eq!(state.report(PassKind::Normal, Effect::Trouble, start), Some(Change::Closed(GateReason::Broken)));
        let mut now = start;
        for seconds in [1, 2, 4, 8, 16, 30, 30] {
            now += seconds * SECOND;
            let kind = probe(&mut state, now);
            state.report(kind, Effect::Trouble, now);
        }
        now += 30 * SECOND;
        let kind = probe(&mut state, now);
        state.report(kind, Effect::Fine, now);
        assert_eq!(state.try_pass(now), NORMAL);
    }

    /// What happens to a gate. Reports and given-up passes are of one of those that are under way.
    #[derive(Debug, Clone)]
    enum Event {
        Try,
        Report(usize, Effect),
        Abandon(usize),
        Later(Duration),
    }

    fn event() -> impl Strategy<Value = Event> {
        let time = || (0u64..4_000).prop_map(Duration::from_millis);
        let effect = prop_oneof![
            3 => Just(Effect::Fine),
            2 => time().prop_map(Effect::Throttled),
            1 => proptest::option::of(time()).prop_map(Effect::UsedUp),
            6 => Just(Effect::Trouble),
        ];
        prop_oneof![
            4 => Just(Event::Try),
            5 => (any::<usize>(), effect).prop_map(|(which, effect)| Event::Report(which, effect)),
            1 => any::<usize>().prop_map(Event::Abandon),
            2 => time().prop_map(Event::Later),
        ]
    }

    proptest! {
        #[test]
        fn one_probe_decides_nothing_passes_early_and_every_gate_opens_again(
            events in proptest::collection::vec(event(), 0..120),
        ) {
            let (mut state, mut now) = (GateState::default(), Instant::now());
            let mut under_way: Vec<PassKind> = Vec::new();
            // The probe that decides, and the time before which nothing may pass.
            let (mut probe, mut not_before) = (None, now);
            for event in events {
                match event {
                    Event::Try => {
                        let looked = state.look(now);
                        match state.try_pass(now) {
                            Try::Pass(kind) => {
                                prop_assert!(matches!(looked, Try::Pass(_)));
                                prop_assert!(now >= not_before, "it passed {:?} early", not_before - now);
                                prop_assert_eq!(probe, None, "a probe is under way");
                                probe = matches!(kind, PassKind::Probe(_)).then_some(kind);
                                under_way.push(kind);
                            }
                            shut => prop_assert_eq!(shut, looked),
                        }
                    }
                    Event::Report(which, effect) if !under_way.is_empty() => {
                        let kind = under_way.swap_remove(which % under_way.len());
                        let closed = state.report(kind, effect, now);
                        if let Effect::Throttled(wait) = effect {
                            not_before = not_before.max(now + wait);
                            prop_assert!(closed.is_some());
                        }
                        // What closes the gate takes the decision from a probe: the next one has it.
                        if probe == Some(kind) || closed.is_some() {
                            probe = None;
                        }
                    }
                    Event::Abandon(which) if !under_way.is_empty() => {
                        let kind = under_way.swap_remove(which % under_way.len());
                        state.abandon(kind, now);
                        if probe == Some(kind) {
                            probe = None;
                        }
                    }
                    Event::Later(time) => now += time,
                    Event::Report(..) | Event::Abandon(_) => {}
                }
            }
            for kind in under_way {
                state.abandon(kind, now);
            }
            let Try::Pass(kind) = state.try_pass(now + LONGEST_PAUSE) else { panic!("it stays shut: {state:?}") };
            state.report(kind, Effect::Fine, now + LONGEST_PAUSE);
            prop_assert_eq!(state.try_pass(now + LONGEST_PAUSE), NORMAL);
        }
    }
}
