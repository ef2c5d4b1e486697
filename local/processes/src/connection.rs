//! HTTP requests to a service, one after another on a connection that stays open.

use std::fmt::Display;
use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{CONTENT_TYPE, HOST, HeaderName, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::Failure;

/// One connection that is kept open.
#[derive(Debug)]
pub struct Connection {
    sender: SendRequest<Full<Bytes>>,
    host: HeaderValue,
}

impl Connection {
    /// Connects.
    pub async fn open(address: SocketAddr) -> Result<Self, Failure> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // The task ends when its sender is dropped. The sender reports the errors.
        tokio::spawn(connection);
        let host = HeaderValue::from_str(&address.to_string())?;
        Ok(Self { sender, host })
    }

    /// Sends a request and reads the body of its answer; fails on any but the expected status.
    pub async fn ask(&mut self, call: Call) -> Result<Bytes, Failure> {
        Ok(self.answer(call).await?.into_body())
    }

    /// The same, with the headers.
    pub async fn answer(&mut self, call: Call) -> Result<Response<Bytes>, Failure> {
        let mut request = call.request;
        request.headers_mut().insert(HOST, self.host.clone());
        let asked = format_args!("{} {}", request.method(), request.uri()).to_string();
        self.sender.ready().await?;
        let sent = self.sender.send_request(request).await;
        let answer = sent.map_err(|error| format!("{asked}: {error}"))?;
        let (head, body) = answer.into_parts();
        let body = body.collect().await?.to_bytes();
        if head.status == call.expected {
            Ok(Response::from_parts(head, body))
        } else {
            let body = String::from_utf8_lossy(&body);
            Err(format!("{asked}: {} {body}", head.status).into())
        }
    }
}

/// A request, and the status that says that it was done.
#[derive(Debug)]
pub struct Call {
    /// Without the host, which the connection knows.
    pub request: Request<Full<Bytes>>,
    /// Any other status ends the run.
    pub expected: StatusCode,
}

impl Call {
    /// A request without a body.
    pub fn get(path: &str) -> Self {
        Self::new(Method::GET, path, Bytes::new())
    }

    /// A request with a JSON body.
    pub fn post(path: &str, body: &impl Display) -> Self {
        Self::with_json(Method::POST, path, body)
    }

    /// A request with a JSON body that changes what is there.
    pub fn patch(path: &str, body: &impl Display) -> Self {
        Self::with_json(Method::PATCH, path, body)
    }

    fn with_json(method: Method, path: &str, body: &impl Display) -> Self {
        let mut call = Self::new(method, path, body.to_string().into());
        let json = HeaderValue::from_static("application/json");
        call.request.headers_mut().insert(CONTENT_TYPE, json);
        call
    }

    fn new(method: Method, path: &str, body: Bytes) -> Self {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = path
            .parse()
            .expect("ids of all services are plain characters");
        Self {
            request,
            expected: StatusCode::OK,
        }
    }

    /// With a header that lets the caller in.
    pub fn with(mut self, name: HeaderName, credential: &HeaderValue) -> Self {
        self.request.headers_mut().insert(name, credential.clone());
        self
    }

    /// With another status for success.
    pub fn expecting(mut self, status: StatusCode) -> Self {
        self.expected = status;
        self
    }
}
