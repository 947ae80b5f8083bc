//! TLS: rustls with ring, 1.2 and 1.3, certificates always verified.

use std::sync::Arc;

use rustls::{
    ClientConfig, ConfigBuilder, RootCertStore, WantsVerifier,
    client::WantsClientCert,
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

use crate::{
    options::TransportOptions,
    transport::{WireFault, WireFaultKind},
};

/// The TLS settings of these options: the machine's certificates and the added ones, and the client's own. Reading the
/// machine's takes some milliseconds, so it is done at the first https request.
///
/// # Errors
/// The files that the options hold cannot be used.
pub(crate) fn tls_config(options: &TransportOptions) -> Result<ClientConfig, WireFault> {
    let provider = Arc::new(ring::default_provider());
    let extra = extra_certificates(options)?;
    let config = match verified_by_machine(&provider, extra.clone()) {
        Ok(config) => config,
        Err(error) => {
            // Slim images have no certificate store; then, and only then, Mozilla's list that is built in.
            tracing::warn!(%error, "the machine's certificate store cannot be used; falling back to the built-in list");
            let mut roots = RootCertStore::empty();
            roots.add_parsable_certificates(webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().cloned().chain(extra));
            builder(&provider)?.with_root_certificates(roots)
        }
    };
    let Some(pem) = &options.client_identity else { return Ok(config.with_no_client_auth()) };
    // The errors would quote the file, and its private key stands in that.
    let unfit = || {
        unusable(
            "the client certificate cannot be used; give one PEM file with the certificate and its unencrypted private key",
        )
    };
    let pem = pem.expose_secret_text().as_bytes();
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let (chain, key) = (chain.map_err(|_| unfit())?, PrivateKeyDer::from_pem_slice(pem).map_err(|_| unfit())?);
    config.with_client_auth_cert(chain, key).map_err(|_| unfit())
}

fn builder(provider: &Arc<CryptoProvider>) -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, WireFault> {
    let versions = [&rustls::version::TLS13, &rustls::version::TLS12];
    ClientConfig::builder_with_provider(Arc::clone(provider))
        .with_protocol_versions(&versions)
        .map_err(|error| unusable(format!("TLS cannot be set up: {error}")))
}

fn verified_by_machine(
    provider: &Arc<CryptoProvider>,
    extra: Vec<CertificateDer<'static>>,
) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, WireFault> {
    let verifier = rustls_platform_verifier::Verifier::new_with_extra_roots(extra, Arc::clone(provider))
        .map_err(|error| unusable(error.to_string()))?;
    Ok(builder(provider)?.dangerous().with_custom_certificate_verifier(Arc::new(verifier)))
}

/// The added certificates. A file without any is a mistake, and nothing would say so later.
fn extra_certificates(options: &TransportOptions) -> Result<Vec<CertificateDer<'static>>, WireFault> {
    let Some(pem) = &options.ca_pem else { return Ok(Vec::new()) };
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let fault = |why: String| unusable(format!("the CA file holds no usable PEM certificates: {why}"));
    let certificates = read.map_err(|error| fault(error.to_string()))?;
    for certificate in &certificates {
        RootCertStore::empty().add(certificate.clone()).map_err(|error| fault(error.to_string()))?;
    }
    Ok(certificates)
}

fn unusable(detail: impl Into<String>) -> WireFault {
    WireFault::new(WireFaultKind::Unusable, detail)
}
