use axum::extract::Request;
use axum::response::Response;

/// What comes behind a step.
pub(super) trait Next: Send {
    /// Goes on with a request.
    fn run(self, request: Request) -> impl Future<Output = Response> + Send;
}

impl<F, A> Next for F
where
    F: FnOnce(Request) -> A + Send,
    A: Future<Output = Response> + Send,
{
    fn run(self, request: Request) -> impl Future<Output = Response> + Send {
        self(request)
    }
}
