//! What the browser shows after a sign-in, in plain words. Nothing on it leads anywhere, and it runs no script.

/// One page: its heading and what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    pub(super) status: u16,
    pub(super) heading: &'static str,
    pub(super) text: String,
}

// === impl Page ===

impl Page {
    /// All went well.
    #[must_use]
    pub fn signed_in(title: &str, account: &str) -> Self {
        let text =
            format!("Keyway now acts for you at {title}, with the account “{account}”. You can close this window.");
        Self { status: 200, heading: "You are signed in", text }
    }

    /// The server, or the person, said no; `said` is what the server says of it.
    #[must_use]
    pub fn refused(said: &str) -> Self {
        let said = said.trim_end_matches('.');
        let text = format!("The server says: {said}. Nothing was stored. You can close this window.");
        Self { status: 200, heading: "The sign-in was refused", text }
    }

    /// The answer was the right one, and there is no token all the same.
    #[must_use]
    pub fn failed(why: &str) -> Self {
        let text = format!("{}. You can close this window; the terminal says more.", capitalised(why));
        Self { status: 200, heading: "The sign-in failed", text }
    }

    pub(super) fn not_this_sign_in() -> Self {
        let text = "Perhaps this page was open from an earlier sign-in, or a link led you here. Nothing was done with \
                    it. Open the address that the terminal shows."
            .to_owned();
        Self { status: 400, heading: "This is not the answer to this sign-in", text }
    }

    pub(super) fn answered_already() -> Self {
        let text = "Look at the window in which you signed in.".to_owned();
        Self { status: 409, heading: "This sign-in has its answer already", text }
    }

    pub(super) fn nothing_here() -> Self {
        let text = "Keyway waits for the end of a sign-in on this machine, at another address.".to_owned();
        Self { status: 404, heading: "There is nothing here", text }
    }

    /// The page as HTML. Every text is escaped: parts of it may come from anybody.
    pub(super) fn html(&self) -> String {
        let (heading, text) = (escaped(self.heading), escaped(&self.text));
        format!(
            "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">\
             <meta name=color-scheme content=\"light dark\"><title>{heading}</title>\
             <style>body{{font:1.1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:18vh auto;padding:0 1.5rem}}\
             h1{{font-size:1.6rem;line-height:1.2}}</style>\
             <h1>{heading}</h1><p>{text}</p>"
        )
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

fn capitalised(text: &str) -> String {
    let mut letters = text.trim_end_matches('.').chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::Page;

    #[test]
    fn c63_a_page_shows_what_it_is_told_and_nothing_of_it_acts() {
        let html = Page::refused("<script>alert(1)</script> & \"no\".").html();
        assert!(
            html.contains("The server says: &lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;no&quot;."),
            "{html}"
        );
        for active in ["<script", "href", "src=", "http-equiv"] {
            assert!(!html.contains(active), "{active}: {html}");
        }
    }
}
