//! Certificates that are not accepted though their issuer is trusted: each is told with how it has to be issued anew.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use openssl::asn1::{Asn1Integer, Asn1Object, Asn1OctetString, Asn1Time};
use openssl::bn::BigNum;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::ssl::{SslAcceptor, SslMethod};
use openssl::x509::extension::{BasicConstraints, ExtendedKeyUsage, SubjectAlternativeName};
use openssl::x509::{X509, X509Builder, X509Extension, X509Name, X509NameRef};
use suitesync_contract::FailureClass;
use suitesync_reach::{Route, Trust};

use crate::support::{World, parsed};

const ISSUER: &str = "Strict CA";

/// A server's certificate as it should be, with what is changed in it.
struct Leaf {
    version: i32,
    bits: u32,
    digest: MessageDigest,
    extensions: Vec<X509Extension>,
}

impl Leaf {
    fn new() -> Self {
        Self { version: 2, bits: 2048, digest: MessageDigest::sha256(), extensions: Vec::new() }
    }

    fn extended(extension: X509Extension) -> Self {
        Self { extensions: vec![extension], ..Self::new() }
    }

    fn issue(self, issuer: &X509, key: &PKey<Private>) -> (X509, PKey<Private>) {
        let own = generated(self.bits);
        let mut builder = begun(self.version, "127.0.0.1", issuer.subject_name(), &own);
        if self.version == 2 {
            let names =
                SubjectAlternativeName::new().ip("127.0.0.1").build(&builder.x509v3_context(None, None)).unwrap();
            builder.append_extension(names).unwrap();
        }
        self.extensions.iter().for_each(|extension| builder.append_extension2(extension).unwrap());
        builder.sign(key, self.digest).unwrap();
        (builder.build(), own)
    }
}

fn generated(bits: u32) -> PKey<Private> {
    PKey::from_rsa(Rsa::generate(bits).unwrap()).unwrap()
}

fn named(text: &str) -> X509Name {
    let mut name = X509Name::builder().unwrap();
    name.append_entry_by_text("CN", text).unwrap();
    name.build()
}

fn begun(version: i32, subject: &str, issuer: &X509NameRef, key: &PKey<Private>) -> X509Builder {
    let mut builder = X509::builder().unwrap();
    builder.set_version(version).unwrap();
    builder.set_serial_number(&Asn1Integer::from_bn(&BigNum::from_u32(7).unwrap()).unwrap()).unwrap();
    builder.set_subject_name(&named(subject)).unwrap();
    builder.set_issuer_name(issuer).unwrap();
    builder.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::days_from_now(2).unwrap()).unwrap();
    builder.set_pubkey(key).unwrap();
    builder
}

fn authority() -> (X509, PKey<Private>) {
    let key = generated(2048);
    let mut builder = begun(2, ISSUER, &named(ISSUER), &key);
    builder.append_extension(BasicConstraints::new().critical().ca().build().unwrap()).unwrap();
    builder.sign(&key, MessageDigest::sha256()).unwrap();
    (builder.build(), key)
}

/// A server that shows a certificate whatever is wrong with it; it ends with the process.
fn serve(certificate: &X509, key: &PKey<Private>) -> SocketAddr {
    let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server()).unwrap();
    acceptor.set_security_level(0);
    acceptor.set_certificate(certificate).unwrap();
    acceptor.set_private_key(key).unwrap();
    let acceptor = Arc::new(acceptor.build());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || listener.incoming().flatten().for_each(|stream| drop(acceptor.accept(stream))));
    address
}

async fn check(leaf: Leaf, cause: &str, hint: &str) {
    let (issuer, issuer_key) = authority();
    let (certificate, key) = leaf.issue(&issuer, &issuer_key);
    let pem = String::from_utf8(issuer.to_pem().unwrap()).unwrap();
    let url = parsed(&format!("https://{}/a/b", serve(&certificate, &key)));
    let route = Route::new(Trust::with_additional([pem.as_str()]).unwrap());
    let failure = World::new().ask(&route, &url).await.unwrap_err();
    assert_eq!(failure.class, FailureClass::TlsOther, "{failure}");
    assert!(failure.message.contains(cause) && !failure.message.contains(ISSUER), "{failure}");
    assert!(failure.hint.contains("issued anew") && failure.hint.contains(hint), "{}", failure.hint);
}

#[tokio::test]
async fn a_certificate_of_the_first_version_is_told() {
    check(Leaf { version: 0, ..Leaf::new() }, "is not of version 3", "as version 3").await;
}

#[tokio::test]
async fn a_servers_certificate_that_is_marked_as_an_authoritys_is_told() {
    let extension = BasicConstraints::new().critical().ca().build().unwrap();
    check(Leaf::extended(extension), "is marked as that of an authority", "`CA:FALSE`").await;
}

#[tokio::test]
async fn an_unknown_critical_extension_is_told() {
    let (object, contents) = (Asn1Object::from_str("1.3.6.1.4.1.99999.1").unwrap(), [5, 0]);
    let contents = Asn1OctetString::new_from_bytes(&contents).unwrap();
    let extension = X509Extension::new_from_der(&object, true, &contents).unwrap();
    check(Leaf::extended(extension), "a critical extension that is not known", "not critical").await;
}

#[tokio::test]
async fn a_certificate_for_clients_only_is_told() {
    let extension = ExtendedKeyUsage::new().client_auth().build().unwrap();
    check(Leaf::extended(extension), "is not for servers", "`serverAuth`").await;
}

#[tokio::test]
async fn a_short_key_is_told_with_its_length() {
    check(Leaf { bits: 1024, ..Leaf::new() }, "has 1024 bits only", "at least 2048 bits").await;
}

#[tokio::test]
async fn a_signature_with_sha_1_is_told() {
    let leaf = Leaf { digest: MessageDigest::sha1(), ..Leaf::new() };
    check(leaf, "is signed in a way that is not secure", "with SHA-256").await;
}
