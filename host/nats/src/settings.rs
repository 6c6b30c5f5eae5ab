//! Which server, and how to log in.

use std::path::PathBuf;
use std::time::Duration;

use async_nats::ServerAddr;

use crate::connection::NatsError;

/// The way to a NATS server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NatsSettings {
    /// `nats://host:port` or `tls://host:port`; several servers of one cluster are
    /// separated by commas. User and password may be in it.
    pub url: String,
    /// A `.creds` file: the login of a user.
    pub credentials: Option<PathBuf>,
    /// Authorities that servers' certificates are checked against, in addition to the
    /// system's (PEM).
    pub ca: Option<PathBuf>,
    /// A client's certificate and its key (PEM).
    pub certificate: Option<(PathBuf, PathBuf)>,
    /// How many servers of a cluster keep each message, 1 to 5.
    pub replicas: usize,
    /// A machine that was not heard of for so long has lost its errand.
    pub silence: Duration,
}

impl NatsSettings {
    /// The servers that `url` names.
    pub(crate) fn servers(&self) -> Result<Vec<ServerAddr>, NatsError> {
        let servers: Result<Vec<ServerAddr>, _> =
            self.url.split(',').map(|url| url.trim().parse()).collect();
        match servers {
            Ok(servers) => Ok(servers),
            Err(error) => Err(NatsError::Url(error.to_string())),
        }
    }

    /// The servers as they may be told: without logins.
    pub(crate) fn told(&self) -> String {
        let Ok(servers) = self.servers() else {
            return "(no address)".to_owned();
        };
        let names = servers
            .iter()
            .map(|server| format!("{}:{}", server.host(), server.port()));
        names.collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(url: &str) -> NatsSettings {
        NatsSettings {
            url: url.to_owned(),
            credentials: None,
            ca: None,
            certificate: None,
            replicas: 1,
            silence: Duration::from_secs(20),
        }
    }

    #[test]
    fn a_login_is_not_told() {
        let settings = of("nats://me:secret@one:4222, tls://two");
        assert_eq!(settings.told(), "one:4222, two:4222");
        assert!(of("http://one").servers().is_err());
    }
}
