//! Which program calls, and in whose name: by its token, which is narrower than the rights of whoever gave it.

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::answer::Problem;
use crate::domain::scope::Scope;
use crate::domain::staff::StaffMember;
use crate::web::caller::Caller;
use crate::web::state::Web;

/// In whose name a program with this token acts.
///
/// # Errors
/// The answer for one whose token isn't good for this.
pub(super) async fn in_whose_name(
    web: &Web,
    scope: Scope,
    caller: Caller,
    headers: &HeaderMap,
) -> Result<StaffMember, Response> {
    match web.giver_of(scope, caller, headers).await {
        Ok(Some(person)) => Ok(person),
        Ok(None) => {
            let said = "给这个令牌的人已不在走访人员表里：请由在任的人另给一个";
            Err(Problem::new(StatusCode::FORBIDDEN, said).into_response())
        }
        Err(refused) => Err(as_problem(&refused)),
    }
}

/// A refusal in the form that programs read, with its headers.
fn as_problem(refused: &Response) -> Response {
    let status = refused.status();
    let said = match status {
        StatusCode::TOO_MANY_REQUESTS => "令牌错得太多，请稍后再试",
        StatusCode::SERVICE_UNAVAILABLE => "数据库暂时没有回答，请稍后再发",
        _ => {
            "请用 Authorization: Bearer 带上令牌；令牌要没过期、没作废，并且给了这项用途（zoufang account token）"
        }
    };
    let mut answer = Problem::new(status, said).into_response();
    for name in [header::WWW_AUTHENTICATE, header::RETRY_AFTER] {
        if let Some(value) = refused.headers().get(&name) {
            answer.headers_mut().insert(name, value.clone());
        }
    }
    answer
}
