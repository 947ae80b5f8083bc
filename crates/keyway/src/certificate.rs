//! Certificates of accounts (RFC 8705): a transport of its own for each account whose credential has one.

use std::sync::Arc;

use keyway_component::{Redactor, Secret, Template};
use keyway_http::{AttemptEnd, HttpTransport, SendFuture, Transport, WireCall, WireFault, WireFaultKind};
use keyway_oauth::Account;
use tokio::sync::OnceCell;

use crate::observe::{Observer, Purpose, observed};

/// The secret that is an account's own certificate: PEM text of it, of its issuers, and of its private key.
const CLIENT_CERTIFICATE: &str = "client_certificate";

/// What transports with a certificate are made of.
pub(crate) struct Certificates {
    /// The host's own, whose settings and memory they share.
    pub(crate) transport: Arc<HttpTransport>,
    pub(crate) observer: Option<Arc<dyn Observer>>,
}

/// A transport that shows an account's certificate. It is read when the first request needs it, once.
struct Certified {
    host: Arc<HttpTransport>,
    account: Arc<Account>,
    redactor: Redactor,
    made: OnceCell<HttpTransport>,
}

/// The transports of an account with a certificate of its own.
#[derive(Clone)]
pub(crate) struct Own {
    pub(crate) token: Arc<dyn Transport>,
    pub(crate) api: Arc<dyn Transport>,
}

// === impl Certificates ===

impl Certificates {
    /// Whether the credential says where the account's certificate is.
    pub(crate) fn are_wanted(account: &Account) -> bool {
        account.has_secret(CLIENT_CERTIFICATE)
    }

    pub(crate) fn of(&self, account: &Arc<Account>, redactor: &Redactor) -> Own {
        let (host, account, redactor) = (Arc::clone(&self.transport), Arc::clone(account), redactor.clone());
        let own: Arc<dyn Transport> = Arc::new(Certified { host, account, redactor, made: OnceCell::new() });
        let seen = |purpose| observed(&own, self.observer.as_ref(), purpose);
        Own { token: seen(Purpose::Token), api: seen(Purpose::Api) }
    }
}

// === impl Certified ===

impl Certified {
    async fn transport(&self) -> Result<&HttpTransport, String> {
        let made = self.made.get_or_try_init(|| async {
            let certificate = Template::placeholder(CLIENT_CERTIFICATE);
            let pem = self.account.fill_with_secrets(&certificate, &self.redactor).await?;
            // The key is a secret without the rest of its file, too.
            let owner = format!("{} certificate", self.account.label());
            private_keys(pem.expose_secret_text()).for_each(|key| self.redactor.know(&owner, &Secret::new(key)));
            Ok(self.host.with_identity(pem))
        });
        made.await
    }
}

/// The private keys in PEM text, without what stands around them.
fn private_keys(pem: &str) -> impl Iterator<Item = &str> {
    let sections = pem.split("-----BEGIN ").filter_map(|section| section.split_once("-----"));
    let keys = sections.filter(|(label, _)| label.ends_with("PRIVATE KEY"));
    keys.filter_map(|(_, rest)| rest.split("-----END").next()).map(str::trim).filter(|key| !key.is_empty())
}

impl Transport for Certified {
    fn send(&self, call: WireCall) -> SendFuture<'_> {
        Box::pin(async move {
            match self.transport().await {
                Ok(transport) => transport.send(call).await,
                Err(why) => AttemptEnd::NeverSent(WireFault::new(WireFaultKind::Unusable, why)),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::private_keys;

    #[test]
    fn keys_are_found_among_certificates() {
        let block = |label: &str, text: &str| format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n");
        let pem =
            [block("CERTIFICATE", "Y2VydA=="), block("EC PRIVATE KEY", "a2V5MQ==\nMg=="), block("PRIVATE KEY", "a2V5")];
        assert_eq!(private_keys(&pem.concat()).collect::<Vec<_>>(), ["a2V5MQ==\nMg==", "a2V5"]);
        for damaged in ["", "-----BEGIN PRIVATE KEY", "-----BEGIN PRIVATE KEY-----\n", "key"] {
            assert_eq!(private_keys(damaged).count(), 0, "{damaged}");
        }
    }
}
