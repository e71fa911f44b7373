use super::asked::Api;

/// Returns the list of models in the API's shape.
pub(super) fn list(api: Api) -> &'static str {
    match api {
        Api::Anthropic => {
            r#"{"data":[{"type":"model","id":"mock","display_name":"Mock","created_at":"2024-01-01T00:00:00Z"},{"type":"model","id":"mock-tool","display_name":"Mock that uses a tool","created_at":"2024-01-01T00:00:00Z"}],"has_more":false,"first_id":"mock","last_id":"mock-tool"}"#
        }
        Api::OpenAi => {
            r#"{"object":"list","data":[{"id":"mock","object":"model","created":1704067200,"owned_by":"mock"},{"id":"mock-tool","object":"model","created":1704067200,"owned_by":"mock"}]}"#
        }
    }
}
