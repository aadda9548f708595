// What Go's MCP client makes of a server: prints one JSON object. Arguments: silent URL, large file.
//
// The endpoint and the token come in MCP_URL and MCP_TOKEN.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

type bearer string

func (token bearer) RoundTrip(request *http.Request) (*http.Response, error) {
	request = request.Clone(request.Context())
	request.Header.Set("Authorization", "Bearer "+string(token))
	return http.DefaultTransport.RoundTrip(request)
}

func connect(ctx context.Context, token string) (*mcp.ClientSession, error) {
	client := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil)
	transport := &mcp.StreamableClientTransport{
		Endpoint:   os.Getenv("MCP_URL"),
		HTTPClient: &http.Client{Transport: bearer(token)},
	}
	return client.Connect(ctx, transport, nil)
}

func status(result *mcp.CallToolResult, err error) any {
	if err != nil {
		return err.Error()
	}
	content := result.StructuredContent.(map[string]any)
	if failure, ok := content["error"].(map[string]any); ok {
		return []any{result.IsError, failure["code"]}
	}
	return content["status"]
}

func main() {
	ctx, token, said := context.Background(), os.Getenv("MCP_TOKEN"), map[string]any{}
	session, err := connect(ctx, token)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	call := func(ctx context.Context, name string, arguments map[string]any) any {
		return status(session.CallTool(ctx, &mcp.CallToolParams{Name: name, Arguments: arguments}))
	}
	said["protocol"] = session.InitializeResult().ProtocolVersion
	names := []string{}
	for tool, err := range session.Tools(ctx, nil) {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		names = append(names, tool.Name)
	}
	said["tools"] = names
	said["targets"] = call(ctx, "list-targets", nil)
	said["failure"] = call(ctx, "kerberos-file-read", map[string]any{"path": "//nowhere/share/x"})
	arguments := map[string]any{"path": os.Args[2]}
	large, err := session.CallTool(ctx, &mcp.CallToolParams{Name: "kerberos-file-read", Arguments: arguments})
	if err == nil {
		data := large.StructuredContent.(map[string]any)["data"].(map[string]any)
		said["large"] = len(data["content"].(string))
		text := map[string]string{}
		_ = json.Unmarshal([]byte(large.Content[0].(*mcp.TextContent).Text), &text)
		said["note"] = text["note"]
	}
	_, err = session.ListPrompts(ctx, nil)
	var wire *jsonrpc.Error
	if errors.As(err, &wire) {
		said["undeclared"] = wire.Code
	}
	short, cancel := context.WithTimeout(ctx, 2*time.Second)
	call(short, "kerberos-http-request", map[string]any{"url": os.Args[1], "method": "POST"})
	cancel()
	said["afterwards"] = call(ctx, "user-info", nil)
	session.Close()
	if session, err = connect(ctx, token+"x"); err == nil {
		_, err = session.ListTools(ctx, nil)
	}
	said["refusal"] = fmt.Sprint(err)
	_ = json.NewEncoder(os.Stdout).Encode(said)
}
