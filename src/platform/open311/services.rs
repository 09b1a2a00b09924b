//! What a platform's services ask for: GeoReport v2's service list and service definitions.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Open311;
use crate::db::Dispatch;
use crate::platform::interface::{NoContact, ServiceGap};
use crate::platform::records::{Record, attributes};
use crate::platform::templates::referral_parts;

/// The attributes of services, by service code, as far as they were asked for.
pub(super) type Definitions = tokio::sync::Mutex<BTreeMap<String, Arc<Vec<Record>>>>;

impl Open311 {
    /// The attributes that a service has, by the platform's own definition, read once: it says whether there are any
    /// (`metadata`), and is asked which only then.
    async fn definition(&self, service: &str) -> Result<Arc<Vec<Record>>, NoContact> {
        // Held while asking: many submissions at once ask once.
        let mut kept = self.definitions.lock().await;
        if let Some(known) = kept.get(service) {
            return Ok(Arc::clone(known));
        }
        let listed = self.records("services", &[]).await?;
        let definition = Arc::new(self.read_definition(service, &listed).await?);
        kept.insert(service.to_owned(), Arc::clone(&definition));
        Ok(definition)
    }

    async fn read_definition(
        &self,
        service: &str,
        listed: &[Record],
    ) -> Result<Vec<Record>, NoContact> {
        let with_metadata = |record: &Record| {
            record.get("service_code").is_some_and(|code| code == service)
                && record.get("metadata").is_some_and(|metadata| metadata == "true")
        };
        if !listed.iter().any(with_metadata) {
            return Ok(Vec::new());
        }
        let answer = self.question(self.get(&format!("services/{service}"), &[])).await?;
        attributes(&answer.body, self.format).map_err(NoContact::because)
    }

    /// What the service asks for besides, filled in.
    pub(super) async fn attribute_fields(
        &self,
        dispatch: &Dispatch,
    ) -> Result<Vec<(String, String)>, NoContact> {
        if self.attributes.is_empty() {
            return Ok(Vec::new());
        }
        let service = self.services.get(&dispatch.category).cloned().unwrap_or_default();
        let definition = self.definition(&service).await?;
        let parts = referral_parts(dispatch);
        let mut fields = Vec::new();
        for attribute in &self.attributes {
            if definition.iter().any(|known| known.get("code") == Some(&attribute.code)) {
                let value = self.templates.render(&attribute.value, &parts)?;
                // One that is left empty on purpose isn't sent.
                if !value.is_empty() {
                    fields.push((format!("attribute[{}]", attribute.code), value));
                }
            }
        }
        Ok(fields)
    }

    /// The attributes that a service requires and that aren't configured. What isn't a variable only informs (GeoReport v2,
    /// GET Service Definition), yet servers that fill it in by their own front refuse what comes without it.
    fn lacking(&self, definition: &[Record]) -> Vec<String> {
        let required =
            |record: &&Record| record.get("required").is_some_and(|value| value == "true");
        let given = |code: &String| self.attributes.iter().any(|attribute| attribute.code == *code);
        let asked = definition.iter().filter(required);
        asked.filter_map(|known| known.get("code")).filter(|code| !given(code)).cloned().collect()
    }

    /// Which configured services the platform lacks, and which attributes they require that nobody configured.
    pub(super) async fn gaps(&self) -> Result<Vec<ServiceGap>, NoContact> {
        let listed = self.records("services", &[]).await?;
        let has =
            |code: &str| listed.iter().any(|s| s.get("service_code").is_some_and(|c| c == code));
        let mut gaps = Vec::new();
        for (category, code) in &self.services {
            let gap = |attribute| ServiceGap { category: *category, code: code.clone(), attribute };
            if !has(code) {
                gaps.push(gap(None));
                continue;
            }
            let definition = Arc::new(self.read_definition(code, &listed).await?);
            self.definitions.lock().await.insert(code.clone(), Arc::clone(&definition));
            gaps.extend(self.lacking(&definition).into_iter().map(|code| gap(Some(code))));
        }
        Ok(gaps)
    }
}
