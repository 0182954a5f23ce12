//! `[connection.tls]`: a certificate of our own, for servers that ask for one.

use crate::config::keys;
use crate::config::read::Context;
use crate::config::read::context::NamedFile;
use crate::config::read::secret::read_file_or_reference;
use crate::config::report::Finding;
use crate::config::section::Section;
use crate::config::settings::{Certificates, ClientCertificateConfig, ConnectionType};

pub(super) fn read(
    connection: &Section<'_>,
    context: &Context<'_>,
    connection_type: Option<ConnectionType>,
) -> Option<ClientCertificateConfig> {
    let value = connection.value("tls")?;
    let section = Section::open(connection.report, value, &keys::CONNECTION_TLS)?;
    if connection_type == Some(ConnectionType::Ssh) {
        let finding = Finding::error(section.place, "[connection.tls] is for connections over http");
        section.report.add(finding.help("remove it: a connection over ssh has a `private_key`"));
    }
    let path = section.path("client_certificate");
    let chain = path.and_then(|path| {
        let pem = context.read_named(NamedFile::Chain, &path)?;
        Some(Certificates { path: path.value, pem })
    });
    let key = read_file_or_reference(&section, "client_key", context);
    for (one, other) in [("client_certificate", "client_key"), ("client_key", "client_certificate")] {
        if let (Some(place), None) = (section.key_place(one), section.value(other)) {
            let finding = Finding::error(place, format!("[connection.tls] has `{one}` but lacks `{other}`"));
            section.report.add(finding.help(format!("add `{other}`: a certificate is of use with its key only")));
        }
    }
    chain.zip(key).map(|(chain, key)| ClientCertificateConfig { chain, key })
}
