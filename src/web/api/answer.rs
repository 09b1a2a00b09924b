//! Answers to programs: what they asked for as JSON, or what is wrong (RFC 9457).

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::db::StoreError;
use crate::web::my::Wrong;

/// What is wrong with a request, for whoever wrote the program and whoever uses it.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    detail: String,
    errors: Vec<Wrong>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

#[derive(Serialize)]
struct Body<'p> {
    r#type: &'static str,
    title: &'static str,
    status: u16,
    detail: &'p str,
    #[serde(skip_serializing_if = "<[Wrong]>::is_empty")]
    errors: &'p [Wrong],
}

impl Problem {
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Problem {
        Problem { status, detail: detail.into(), errors: Vec::new(), headers: Vec::new() }
    }

    /// What was sent isn't right.
    pub fn wrong(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
    }

    /// The same with headers of an answer that they were taken from.
    pub fn with(self, headers: Vec<(HeaderName, HeaderValue)>) -> Problem {
        Problem { headers, ..self }
    }

    /// With each field that is wrong.
    pub fn of_fields(errors: Vec<Wrong>) -> Problem {
        let detail = "有几处填得不对，没有处理：请按 errors 里写的改正后再发".to_owned();
        Problem { errors, ..Problem::wrong(detail) }
    }

    /// As one of several answers says it.
    pub fn json(&self) -> serde_json::Value {
        serde_json::json!({
            "title": self.title(), "status": self.code(), "detail": self.detail, "errors": self.errors,
        })
    }

    pub fn code(&self) -> u16 {
        self.status.as_u16()
    }

    fn title(&self) -> &'static str {
        match self.status {
            StatusCode::BAD_REQUEST => "请求读不懂",
            StatusCode::UNAUTHORIZED => "没有令牌，或者令牌不能用",
            StatusCode::FORBIDDEN => "没有这项权限",
            StatusCode::NOT_FOUND => "没有找到",
            StatusCode::METHOD_NOT_ALLOWED => "不能这样请求",
            StatusCode::CONFLICT => "已有别的登记",
            StatusCode::PRECONDITION_FAILED => "已经有了变化",
            StatusCode::PRECONDITION_REQUIRED => "缺少版本",
            StatusCode::PAYLOAD_TOO_LARGE => "内容太长",
            StatusCode::UNPROCESSABLE_ENTITY => "内容不对",
            StatusCode::TOO_MANY_REQUESTS => "请稍后再试",
            StatusCode::SERVICE_UNAVAILABLE => "暂时不能处理",
            _ => "没有处理",
        }
    }
}

/// A query that isn't one.
pub(super) fn unread() -> Problem {
    let said = "查询条件读不懂：每个条件只写一次，按 UTF-8 编码";
    Problem::new(StatusCode::BAD_REQUEST, said)
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Problem {
        match error {
            StoreError::Rule(text) => Problem::wrong(text),
            error => {
                let error = error.for_log();
                tracing::error!(
                    event = "api.unavailable",
                    error,
                    "a program's request couldn't be answered"
                );
                let said = "数据库读不出来或写不进去，没有处理。请稍后再发；一直这样，请告诉镇里管这个系统的人，在服务器上运行 zoufang status";
                Problem::new(StatusCode::SERVICE_UNAVAILABLE, said)
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = Body {
            r#type: "about:blank",
            title: self.title(),
            status: self.status.as_u16(),
            detail: &self.detail,
            errors: &self.errors,
        };
        let mut answer = (self.status, axum::Json(body)).into_response();
        let kind = HeaderValue::from_static("application/problem+json");
        answer.headers_mut().insert(header::CONTENT_TYPE, kind);
        answer.headers_mut().extend(self.headers);
        answer
    }
}
