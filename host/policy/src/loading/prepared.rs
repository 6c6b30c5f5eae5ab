//! Compiled code that fresh instances are made of, and how each of them comes
//! to be configured.

use std::sync::Arc;

use wasmtime::Store;
use wasmtime::component::{Component, Instance, InstancePre};

use crate::calling::engine::PolicyEngine;
use crate::calling::fault::{Fault, one_line};
use crate::calling::guest::{Guest, Linkers};
use crate::interface::configure::{Configure, ConfigureError};
use crate::loading::inspect::Inspection;
use crate::loading::rejection::Rejection;

/// A linked component of which configured instances can be made.
#[derive(Clone)]
pub(crate) struct Prepared {
    pre: InstancePre<Guest>,
    configure: Configure,
    /// What each fresh instance is configured with; `None` when the code is a
    /// snapshot taken after `configure`.
    config: Option<Arc<str>>,
}

impl Prepared {
    /// Links `component`, whose instances are to be configured with `config`
    /// one by one, or are born configured when there is none.
    pub(crate) fn link(
        engine: &PolicyEngine,
        linkers: &Linkers,
        component: &Component,
        inspection: &Inspection,
        config: Option<Arc<str>>,
    ) -> Result<Self, Rejection> {
        let shape = |detail: String| Rejection::WrongShape {
            kind: inspection.kind,
            detail,
        };
        let pre = linkers
            .linker(engine, inspection.wants_wasi())
            .and_then(|linker| linker.instantiate_pre(component))
            .map_err(|error| shape(one_line(&error)))?;
        let configure = Configure::find(component, inspection.version)
            .ok_or_else(|| shape(String::from("`configure` is missing from its interface")))?;
        Ok(Prepared {
            pre,
            configure,
            config,
        })
    }

    pub(crate) fn pre(&self) -> &InstancePre<Guest> {
        &self.pre
    }

    /// A fresh instance, not configured.
    pub(crate) async fn bare(&self, store: &mut Store<Guest>) -> Result<Instance, Fault> {
        self.pre
            .instantiate_async(store)
            .await
            .map_err(|error| Fault::of_start(&error))
    }

    /// Configures `instance` with `config`.
    pub(crate) async fn configure(
        &self,
        store: &mut Store<Guest>,
        instance: &Instance,
        config: &str,
    ) -> Result<(), ConfigureError> {
        self.configure.call(store, instance, config).await
    }

    /// A fresh instance as policies are meant to be called.
    pub(crate) async fn instance(&self, store: &mut Store<Guest>) -> Result<Instance, Fault> {
        let instance = self.bare(store).await?;
        if let Some(config) = &self.config {
            self.configure(store, &instance, config)
                .await
                .map_err(|error| match error {
                    // It accepted the same words when it was loaded.
                    ConfigureError::Refused(text) => {
                        Fault::Garbage(format!("`configure` changed its mind: {text}"))
                    }
                    ConfigureError::Fault(fault) => fault,
                })?;
        }
        Ok(instance)
    }
}
