import CommandLineParsing
import ConfigFile
import LogOutput
import MetainfoCoding
import ServiceAssembly
import TorrentCreation
import TrackerProtocol

let showCommand = Command(
    spec: CommandSpec(
        "show", "Show what is in a torrent file or a magnet link",
        details: [
            "Checks it as a download would: hashes, piece layers, names. What may be a key in announce URLs is masked, in JSON too, unless --secrets is given. Exits with 65 and the reason when it is damaged."
        ],
        options: [
            CommonOption.json, .flag("secrets", nil, "Show announce URLs and web seeds whole"),
        ],
        arguments: [ArgumentSpec("FILE|MAGNET", "A torrent file, or a magnet link", completion: .files)],
        examples: [
            CommandExample("weir show debian.torrent", "Its files, trackers and hashes"),
            CommandExample("weir show --json 'magnet:?xt=urn:btih:…'", "A link, for a program"),
        ])
) { invocation throws(ServiceFailure) in
    let argument = invocation.parsed.arguments.first ?? ""
    let listing: TorrentListing
    do throws(ShowFailure) {
        listing = try TorrentListing(argument)
    } catch {
        invocation.output.say("weir show: \(error.text)")
        return .badInput
    }
    let mask = invocation.parsed.has("secrets") ? URLMask.nothing : .keys
    if invocation.wantsJSON {
        invocation.output.printJSON { listing.write(to: &$0, masking: mask) }
    } else {
        listing.print(to: invocation.output, masking: mask)
    }
    return .done
}

/// What becomes of URLs that may hold keys.
enum URLMask {
    case nothing, keys

    /// Keeps nothing that could be a key, however short.
    func tracker(_ url: String) -> String {
        switch self {
        case .nothing: url
        case .keys: (try? TrackerURL(url))?.masked ?? redactURL(url)
        }
    }

    /// Loses what looks like a key.
    func webSeed(_ url: String) -> String {
        switch self {
        case .nothing: url
        case .keys: redactURL(url)
        }
    }
}

/// Why there is nothing to show.
struct ShowFailure: Error {
    var text: String
}

/// A torrent file or a magnet link, for people and for programs.
enum TorrentListing: Sendable {
    case torrent(Metainfo)
    case magnet(MagnetLink)

    /// In bytes, of the file.
    static let maximumByteCount = 64 << 20

    init(_ argument: String) throws(ShowFailure) {
        if argument.lowercased().hasPrefix("magnet:") {
            do throws(MagnetFailure) {
                self = .magnet(try MagnetLink(argument))
            } catch {
                throw ShowFailure(text: error.description)
            }
            return
        }
        let bytes: [UInt8]
        do throws(FileReadFailure) {
            bytes = try readFile(argument, limit: Self.maximumByteCount)
        } catch {
            throw ShowFailure(text: "\(plain(argument)): \(error)")
        }
        do throws(MetainfoFailure) {
            self = .torrent(try Metainfo(torrentFile: bytes, hashing: .openSSL))
        } catch {
            throw ShowFailure(text: "\(plain(argument)): \(error)")
        }
    }
}
