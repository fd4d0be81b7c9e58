import BencodeCoding
public import SwarmTypes

/// What a sender knows of a contact (BEP 11).
public struct PeerExchangeFlags: OptionSet, Hashable, Sendable {
    public let rawValue: UInt8

    public init(rawValue: UInt8) { self.rawValue = rawValue }

    public static let prefersEncryption = PeerExchangeFlags(rawValue: 0x01)
    public static let uploadOnly = PeerExchangeFlags(rawValue: 0x02)
    public static let supportsUTP = PeerExchangeFlags(rawValue: 0x04)
    public static let supportsHolepunch = PeerExchangeFlags(rawValue: 0x08)
    /// The sender has dialled it.
    public static let isReachable = PeerExchangeFlags(rawValue: 0x10)
}

public struct PeerContact: Hashable, Sendable {
    public var address: PeerAddress
    public var flags: PeerExchangeFlags

    public init(_ address: PeerAddress, flags: PeerExchangeFlags = []) {
        self.address = address
        self.flags = flags
    }
}

/// A message of `ut_pex` (BEP 11): whom the sender has come to be connected with, and with whom no more.
public struct PeerExchangeMessage: Hashable, Sendable {
    /// Of each of the two lists. A sender's further ones are ignored.
    public static let maximumContacts = 50

    public var added: [PeerContact]
    public var dropped: [PeerAddress]

    public init(added: [PeerContact], dropped: [PeerAddress]) {
        self.added = added
        self.dropped = dropped
    }

    /// Nil when it is malformed. Contacts that nobody can dial, or that come twice, are left out.
    public init?(payload: [UInt8]) {
        guard let document = try? BencodeDocument(payload, limits: .extensionMessage),
            document.root.kind == .dictionary
        else { return nil }
        self.init(added: [], dropped: [])
        for (suffix, width) in [("", 6), ("6", 18)] {
            guard let added = Self.addresses(document.root["added" + suffix], width),
                let dropped = Self.addresses(document.root["dropped" + suffix], width)
            else { return nil }
            let flags = document.root["added" + suffix + ".f"]?.bytes ?? []
            for (index, address) in added.enumerated() {
                let bits = flags.dropFirst(index).first ?? 0
                self.add(PeerContact(address, flags: PeerExchangeFlags(rawValue: bits)))
            }
            for address in dropped where self.dropped.count < Self.maximumContacts {
                self.dropped.append(address)
            }
        }
    }

    /// Many ports of one host in one message are no swarm but an attack on the host (BEP 11, security
    /// considerations). Hosts of our own network are left alone: several peers on one machine are usual there.
    private mutating func add(_ contact: PeerContact) {
        guard contact.address.isUsable, self.added.count < Self.maximumContacts else { return }
        let isKnown = self.added.contains { known in
            contact.address.scope == .global
                ? known.address.with(port: 0) == contact.address.with(port: 0)
                : known.address == contact.address
        }
        if !isKnown { self.added.append(contact) }
    }

    /// At most the first 50; nil when it is no list of addresses.
    private static func addresses(_ value: BencodeValue?, _ width: Int) -> [PeerAddress]? {
        guard let value else { return [] }
        guard let bytes = value.bytes, bytes.count % width == 0 else { return nil }
        let starts = stride(from: bytes.startIndex, to: bytes.endIndex, by: width)
        return starts.prefix(Self.maximumContacts).compactMap {
            PeerAddress(compact: bytes[$0..<$0 + width])
        }
    }

    public var payload: [UInt8] {
        let (added4, added6) = Self.split(self.added) { $0.address }
        let (dropped4, dropped6) = Self.split(self.dropped) { $0 }
        var writer = BencodeWriter()
        writer.dictionary { writer in
            for (suffix, contacts) in [("", added4), ("6", added6)] where !contacts.isEmpty {
                writer.member("added" + suffix, bytes: contacts.flatMap(\.address.compact))
                writer.member("added" + suffix + ".f", bytes: contacts.map(\.flags.rawValue))
            }
            for (suffix, addresses) in [("", dropped4), ("6", dropped6)] where !addresses.isEmpty {
                writer.member("dropped" + suffix, bytes: addresses.flatMap(\.compact))
            }
        }
        return writer.bytes
    }

    private static func split<Element>(
        _ elements: [Element], _ address: (Element) -> PeerAddress
    ) -> (ipv4: [Element], ipv6: [Element]) {
        (elements.filter { address($0).ipv4 != nil }, elements.filter { address($0).ipv4 == nil })
    }
}
