//! A message with `paginate`: one outcome a page, or one an item.

use std::{collections::VecDeque, sync::Arc};

use bytes::Bytes;

use crate::{
    answer::Answer,
    failure::{Code, Failure},
    message::{Each, Paginate},
    outcome::{Input, Outcome, Position},
    pages::{Page, Pages},
    raw_json::RawJson,
};

/// The outcomes of such a message that are still to come.
pub(crate) struct Paged {
    pages: Pages,
    paginate: Paginate,
    about: About,
    /// Items that came and are not given yet.
    ready: VecDeque<Item>,
    /// How the page after those failed.
    failed: Option<Failure>,
    /// Outcomes that were given.
    given: u64,
    ended: bool,
}

/// What all outcomes of a message have in common.
#[derive(Clone)]
pub(crate) struct About {
    pub(crate) line: u64,
    pub(crate) id: Option<RawJson>,
    pub(crate) passthrough: Option<RawJson>,
    pub(crate) input: Option<Input>,
}

/// An item of a page.
struct Item {
    page: Arc<Answer>,
    number: u64,
    text: Bytes,
    is_first: bool,
}

// === impl Paged ===

impl Paged {
    pub(crate) fn new(pages: Pages, paginate: Paginate, about: About) -> Self {
        let (ready, failed, given, ended) = Default::default();
        Self { pages, paginate, about, ready, failed, given, ended }
    }

    pub(crate) fn has_next(&self) -> bool {
        !self.ended
    }

    pub(crate) fn about(&self) -> &About {
        &self.about
    }

    /// Whether the next outcome needs no request.
    pub(crate) fn has_one_at_hand(&self) -> bool {
        self.ready.len() > 1
    }

    /// The next outcome. The last one says so, and a failure is the last one.
    pub(crate) async fn next(&mut self) -> Outcome {
        let outcome = match self.paginate.each {
            Each::Page => self.next_page().await,
            Each::Item => self.next_item().await,
        };
        self.given += 1;
        self.ended = !outcome.has_more();
        outcome
    }

    async fn next_page(&mut self) -> Outcome {
        match self.pages.next().await {
            Some(Ok(page)) => {
                let more = self.pages.has_next() && self.may_give_after_this();
                self.outcome(Ok(page.answer), Position { page: self.pages.number, item: None, more })
            }
            Some(Err(failure)) => self.failure(failure),
            None => self.nothing(),
        }
    }

    async fn next_item(&mut self) -> Outcome {
        // One is held back: whether it is the last one, only the next page can tell.
        while self.ready.len() < 2 && self.failed.is_none() && self.pages.has_next() {
            // A last item that is wanted needs no page after it.
            if self.ready.len() == 1 && !self.may_give_after_this() {
                break;
            }
            match self.pages.next().await {
                Some(Ok(page)) => {
                    if page.items.is_empty() && self.ready.is_empty() && !self.pages.has_next() {
                        // There are no items at all, and there has to be an outcome.
                        let position = Position { page: self.pages.number, item: None, more: false };
                        return self.outcome(Ok(page.answer.without_body()), position);
                    }
                    self.take_in(page);
                }
                Some(Err(failure)) => self.failed = Some(failure),
                None => break,
            }
        }
        match (self.ready.pop_front(), self.failed.take()) {
            (Some(item), failed) => {
                let more =
                    (!self.ready.is_empty() || failed.is_some() || self.pages.has_next()) && self.may_give_after_this();
                self.failed = failed;
                let position = Position { page: item.number, item: Some(self.given + 1), more };
                self.outcome(Ok(item.answer()), position)
            }
            (None, Some(failure)) => self.failure(failure),
            (None, None) => self.nothing(),
        }
    }

    /// Puts a page's items in line.
    fn take_in(&mut self, page: Page) {
        let (answer, number) = (Arc::new(page.answer), self.pages.number);
        let items = page.items.into_iter().enumerate();
        self.ready.extend(items.map(|(n, text)| Item { page: Arc::clone(&answer), number, text, is_first: n == 0 }));
    }

    /// Whether the limit lets another one follow the one that is given now.
    fn may_give_after_this(&self) -> bool {
        self.paginate.limit.is_none_or(|limit| self.given + 1 < limit)
    }

    fn failure(&self, failure: Failure) -> Outcome {
        let position = Position { page: self.pages.number + 1, item: None, more: false };
        self.outcome(Err(failure), position)
    }

    /// Never asked for: an outcome that says that more follow is only given where they do.
    fn nothing(&self) -> Outcome {
        self.failure(Failure::new(Code::Internal, "there was no page to give; report this"))
    }

    fn outcome(&self, result: Result<Answer, Failure>, position: Position) -> Outcome {
        self.about.clone().outcome(result, Some(position))
    }
}

// === impl About ===

impl About {
    pub(crate) fn outcome(self, result: Result<Answer, Failure>, position: Option<Position>) -> Outcome {
        let Self { line, id, passthrough, input } = self;
        Outcome { line, id, passthrough, result, position, input }
    }
}

// === impl Item ===

impl Item {
    /// The item as the body of its page's answer. What the page took counts once.
    fn answer(&self) -> Answer {
        let attempts = if self.is_first { self.page.attempts } else { 0 };
        Answer { attempts, ..self.page.with_body(self.text.clone()) }
    }
}
