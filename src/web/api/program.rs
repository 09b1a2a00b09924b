//! Which program calls, and in whose name: by its token, within the rights of whom that says.

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;

use super::answer::Problem;
use crate::db::Store;
use crate::domain::scope::Scope;
use crate::domain::staff::StaffMember;
use crate::web::caller::Caller;
use crate::web::state::Web;

/// In whose name a program with this token acts.
///
/// # Errors
/// What is wrong with a token that isn't good for this.
pub(super) async fn in_whose_name(
    web: &Web,
    scope: Scope,
    caller: Caller,
    headers: &HeaderMap,
) -> Result<StaffMember, Problem> {
    web.acts_as(scope, caller, headers).await.map_err(|refused| problem(&refused))
}

/// The record as a program changes it from there: the audit says so.
pub(super) fn store_of(web: &Web, path: &str) -> Store {
    web.daemon.store.coming_from(&format!("接口 {path}"))
}

/// A refusal in the form that programs read, with its headers.
fn problem(refused: &Response) -> Problem {
    let said = match refused.status() {
        StatusCode::TOO_MANY_REQUESTS => "令牌错得太多，请稍后再试",
        StatusCode::SERVICE_UNAVAILABLE => "数据库暂时没有回答，请稍后再发",
        _ => {
            "请用 Authorization: Bearer 带上令牌；令牌要没过期、没作废，给了这项用途（zoufang account token），令牌所说的人也有这项权限"
        }
    };
    let headers = [header::WWW_AUTHENTICATE, header::RETRY_AFTER].into_iter();
    let headers =
        headers.filter_map(|name| Some((name.clone(), refused.headers().get(&name)?.clone())));
    Problem::new(refused.status(), said).with(headers.collect())
}
