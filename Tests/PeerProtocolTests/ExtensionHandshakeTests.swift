import PeerProtocol
import SwarmTypes
import TestKit
import Testing

@Suite("The extension handshake")
struct ExtensionHandshakeTests {
    @Test("BEP 10's example is read, also what it does not know")
    func example() throws {
        let text = "d1:md11:LT_metadatai1e7:µT_PEXi2ee1:pi6881e1:v13:µTorrent 1.2e"
        let handshake = try #require(ExtensionHandshake(payload: Array(text.utf8)))
        #expect(handshake.listenPort == 6881)
        #expect(handshake.clientName == "µTorrent 1.2")
        #expect(handshake.numbers == [:])
        let metadata = "d1:md11:ut_metadatai3ee13:metadata_sizei31235ee"
        let second = try #require(ExtensionHandshake(payload: Array(metadata.utf8)))
        #expect(second.number(of: .metadata) == 3)
        #expect(second.metadataSize == 31235)
        #expect(ExtensionHandshake(payload: Array("de".utf8)) == ExtensionHandshake())
    }

    @Test("Ours is written in this form")
    func ours() {
        let handshake = ExtensionHandshake(
            extensions: [.metadata, .peerExchange, .dontHave], clientName: "Weir 0.1", listenPort: 6881,
            yourAddress: PeerAddress(ipv4: 0x0102_0304, port: 9), metadataSize: 31235, isUploadOnly: true)
        let text =
            "d1:md11:lt_donthavei3e11:ut_metadatai1e6:ut_pexi2ee13:metadata_sizei31235e1:pi6881e4:reqqi1000e"
            + "11:upload_onlyi1e1:v8:Weir 0.16:yourip4:\u{1}\u{2}\u{3}\u{4}e"
        #expect(handshake.payload == Array(text.utf8))
    }

    static func random(_ random: inout SplitMix64) -> ExtensionHandshake {
        var handshake = ExtensionHandshake()
        func chance() -> Bool { Bool.random(using: &random) }
        for kind in ExtensionKind.allCases where chance() {
            handshake.numbers[kind] = UInt8.random(in: 0...255, using: &random)
        }
        if chance() { handshake.clientName = "Weir \(Int.random(in: 0...99, using: &random))" }
        if chance() { handshake.listenPort = UInt16.random(in: 1...65535, using: &random) }
        if chance() { handshake.requestQueue = Int.random(in: 1...100_000, using: &random) }
        if chance() {
            handshake.yourAddress =
                chance()
                ? PeerAddress(ipv4: 0x0A00_0001, port: 0) : PeerAddress(high: 0x2001 << 48, low: 7, port: 0)
        }
        if chance() { handshake.metadataSize = Int.random(in: 1 ... .max, using: &random) }
        if chance() { handshake.isUploadOnly = chance() }
        return handshake
    }

    @Test("What is written is read again", arguments: 0..<200)
    func roundTrip(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let handshake = Self.random(&random)
        #expect(ExtensionHandshake(payload: handshake.payload) == handshake)
    }

    @Test(
        "Parts that make no sense are left out",
        arguments: [
            "d1:mi1ee", "d1:mle1:pi0ee", "d1:pi65536ee", "d1:pi-1ee", "d4:reqqi0ee", "d4:reqqi-5ee",
            "d13:metadata_sizei0ee", "d13:metadata_sizei-1ee", "d6:yourip3:abce", "d1:v0:e", "d1:vi1ee",
            "d1:v3:\u{1}\u{2}\u{3}e", "d1:md6:ut_pexi256e11:ut_metadatai-1eee", "d11:upload_onlylee",
        ])
    func nonsense(text: String) {
        #expect(ExtensionHandshake(payload: Array(text.utf8)) == ExtensionHandshake())
    }

    @Test("What is no dictionary is refused", arguments: ["", "le", "i1e", "d", "de0", "d1:v", "4:spam"])
    func refused(text: String) {
        #expect(ExtensionHandshake(payload: Array(text.utf8)) == nil)
    }

    @Test("A name is shown without control characters, and is not long")
    func names() throws {
        let text = "d1:v9:a\u{1B}\n\u{202E}b\u{7F}ce"
        #expect(ExtensionHandshake(payload: Array(text.utf8))?.clientName == "abc")
        let long = "d1:v200:" + String(repeating: "x", count: 200) + "e"
        #expect(ExtensionHandshake(payload: Array(long.utf8))?.clientName?.count == 64)
    }

    @Test("A later handshake adds, changes and switches off")
    func update() {
        var known = ExtensionHandshake()
        known.numbers = [.metadata: 3, .peerExchange: 4]
        known.clientName = "first"
        known.requestQueue = 10
        var later = ExtensionHandshake()
        later.numbers = [.peerExchange: 0, .dontHave: 9]
        later.requestQueue = 20
        known.update(with: later)
        #expect(known.number(of: .metadata) == 3)
        #expect(known.number(of: .peerExchange) == nil)
        #expect(known.number(of: .dontHave) == 9)
        #expect(known.clientName == "first")
        #expect(known.requestQueue == 20)
    }

    @Test("Messages are told apart by our own numbers")
    func messages() {
        #expect(ExtensionMessage(id: 0, payload: Array("de".utf8)) == .handshake(ExtensionHandshake()))
        #expect(ExtensionMessage(id: 0, payload: []) == nil)
        let request = MetadataMessage.request(piece: 1)
        #expect(ExtensionMessage(id: 1, payload: request.payload) == .metadata(request))
        #expect(ExtensionMessage(id: 1, payload: [1]) == nil)
        let exchange = PeerExchangeMessage(added: [], dropped: [PeerAddress(ipv4: 1 << 24, port: 1)])
        #expect(ExtensionMessage(id: 2, payload: exchange.payload) == .peerExchange(exchange))
        #expect(ExtensionMessage(id: 2, payload: Array("i1e".utf8)) == nil)
        #expect(ExtensionMessage(id: 3, payload: [0, 0, 1, 2]) == .dontHave(258))
        #expect(ExtensionMessage(id: 3, payload: [0, 0, 1]) == nil)
        #expect(ExtensionMessage(id: 4, payload: [9]) == .unknown(4))
    }

    @Test("Every cut of a message is refused or means less, and never traps", arguments: 0..<50)
    func cuts(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let payload = Self.random(&random).payload
        for count in 0..<payload.count {
            for id in 0...4 as ClosedRange<UInt8> {
                let message = ExtensionMessage(id: id, payload: Array(payload.prefix(count)))
                if id == 0 { #expect(message == nil) }
            }
        }
    }
}
