//! Cookies that let a client in, once each.

use std::collections::BTreeSet;

use uuid::Uuid;

#[derive(Debug, Default)]
pub(crate) struct Cookies(BTreeSet<String>);

impl Cookies {
    /// A new cookie: 32 hexadecimal digits.
    pub(crate) fn issue(&mut self) -> String {
        let cookie = Uuid::new_v4().simple().to_string();
        self.0.insert(cookie.clone());
        cookie
    }

    /// Uses a cookie up; false if there is none such (any more).
    pub(crate) fn redeem(&mut self, cookie: &str) -> bool {
        self.0.remove(cookie)
    }

    /// A restarted application knows none of its earlier cookies.
    pub(crate) fn forget(&mut self) {
        self.0.clear();
    }
}
