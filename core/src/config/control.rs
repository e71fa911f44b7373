//! `[control]`: the way between a front and a control plane in different places.

use secrecy::SecretString;
use serde::Deserialize;
use url::Url;

use super::ConfigError;
use crate::signin::is_loopback;
use crate::token::{PublicKeys, Signer};

/// `[control]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ControlLink {
    /// Where the control plane is, for a front in another place.
    pub url: Option<String>,
    /// The private key with which that front signs what it asks: 32 bytes in base64url.
    pub key: Option<SecretString>,
    /// The public keys of the fronts that the control plane believes: 32 bytes in base64url each.
    pub fronts: Vec<String>,
}

impl ControlLink {
    /// Returns where the control plane is, if that is said.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Key`] if it cannot be there.
    pub fn address(&self) -> Result<Option<Url>, ConfigError> {
        let Some(text) = &self.url else { return Ok(None) };
        let unusable = || ConfigError::key("control.url", "must be an https url (http on loopback), and nothing else");
        let url = Url::parse(text).map_err(|_| unusable())?;
        let is_safe = url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url));
        let has_extras = url.query().is_some() || url.fragment().is_some() || !url.username().is_empty();
        if !is_safe || has_extras || url.password().is_some() || !url.has_host() {
            return Err(unusable());
        }
        Ok(Some(url))
    }

    /// Returns the key with which a front signs what it asks, if there is one.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Key`] if it is none.
    pub fn signer(&self) -> Result<Option<Signer>, ConfigError> {
        let signer = self.key.as_ref().map(Signer::of).transpose();
        signer.map_err(|error| ConfigError::key("control.key", format!("cannot be used: {error}")))
    }

    /// Returns the keys of the fronts that the control plane believes.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Key`] if one of them is none.
    pub fn front_keys(&self) -> Result<PublicKeys, ConfigError> {
        PublicKeys::of(&self.fronts)
            .map_err(|error| ConfigError::key("control.fronts", format!("cannot be used: {error}")))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{load_with, vars};
    use crate::token::FrontKey;

    fn load(document: &str) -> Result<super::super::Config, String> {
        load_with(document, &vars(&[])).map_err(|error| error.to_string())
    }

    fn key(first: u8) -> FrontKey {
        FrontKey::new(std::array::from_fn(|index| first.wrapping_add(u8::try_from(index * 7).unwrap())))
    }

    #[test]
    fn refuses_addresses_that_anybody_could_read_on_the_way() {
        for url in
            ["http://control.example.com", "ftp://localhost", "x", "https://a:hunter2@b.example", "https://a.example?b"]
        {
            let error = load(&format!("[control]\nurl = \"{url}\"")).unwrap_err();
            assert!(error.starts_with("control.url") && !error.contains("hunter2"), "{error}");
        }
        for url in ["https://control.example.com/prod", "http://127.0.0.1:9000"] {
            assert!(load(&format!("[control]\nurl = \"{url}\"")).is_ok(), "{url}");
        }
    }

    #[test]
    fn refuses_keys_that_are_none_without_repeating_them() {
        let weak = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        for key in ["hunter2", weak] {
            let error = load(&format!("[control]\nkey = \"{key}\"")).unwrap_err();
            assert!(error.starts_with("control.key") && !error.contains(key), "{error}");
        }
        let good = key(1).public().to_owned();
        for fronts in [r#"["hunter2"]"#.to_owned(), format!(r#"["{good}", "{good}"]"#)] {
            assert!(load(&format!("[control]\nfronts = {fronts}")).unwrap_err().starts_with("control.fronts"));
        }
    }
}
