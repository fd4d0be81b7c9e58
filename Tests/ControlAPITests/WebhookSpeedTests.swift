import ControlAPI
import HTTPServing
import SwarmTypes
import TestKit
import Testing

@Suite("Webhook, speed", .serialized)
struct WebhookSpeedTests {
    /// Judged in optimised builds only.
    @Test("The handler takes at least 20,000 webhooks a second on one core")
    func rate() {
        let accepting = FakeGovernor()
        let hash = "0123456789abcdef0123456789abcdef01234567"
        let bodies: [(String, String)] = [
            (
                "application/x-www-form-urlencoded",
                "event=complete&hash=\(hash)&name=Some.Name.2026&tracker=&category=tv&tags=&save_path=%2Fdata%2Ftv"
            ),
            ("application/json", #"{"event":"added","hash":"\#(hash)"}"#),
            (
                "multipart/form-data; boundary=xYz",
                "--xYz\r\nContent-Disposition: form-data; name=\"hash\"\r\n\r\n\(hash)\r\n--xYz--\r\n"
            ),
        ]
        for (type, body) in bodies {
            let sent = HTTPRequest(
                method: "POST", path: "/webhook",
                headers: [
                    ("host", "127.0.0.1:8089"), ("user-agent", "curl/7.88.1"), ("accept", "*/*"),
                    ("content-type", type),
                ],
                body: Array(body.utf8))
            let handler = handler(accepting)
            let count = 20_000
            var accepted = 0
            let time = ContinuousClock().measure {
                for _ in 0..<count {
                    if case .now(let response) = handler.answer(sent), response.status == 202 {
                        accepted += 1
                    }
                }
            }
            #expect(accepted == count)
            let rate =
                Double(count) / (Double(time.components.attoseconds) / 1e18 + Double(time.components.seconds))
            print("webhook \(type.prefix { $0 != ";" }): \(Int(rate)) a second")
            #if !DEBUG
                #expect(rate >= 20_000)
            #endif
        }
    }
}
