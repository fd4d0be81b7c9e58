import Foundation
import HTTPServing
import SwarmTypes
import Testing
import TorrentCatalog

@testable import ControlAPI

private let path = "/api/ui/torrent/edit"
private let shownURL = "https://alpha.example:8443/…/announce?…"
private let wholeURL = "https://alpha.example:8443/0123456789abcdef/announce?passkey=secretsecret"

private func edit(_ more: String) -> String { #"{"id":"\#(torrent(1).hex)",\#(more)}"# }

@Suite("What is edited on a torrent's page")
struct TorrentEditTests {
    @Test(
        "Each edit is one command of the library",
        arguments: [
            (#""edit":"name","name":"new""#, TorrentCommand.rename("new")),
            (#""edit":"path","from":"a/b.mkv","to":"a/c.mkv""#, .renamePath(from: "a/b.mkv", to: "a/c.mkv")),
            (#""edit":"priority","files":[0,2],"priority":"high""#, .setFilePriority(files: [0, 2], .high)),
            (#""edit":"sequential","on":true"#, .setSequential(true)),
            (#""edit":"ends_first","on":false"#, .setEndsFirst(false)),
            (#""edit":"add_trackers","urls":["udp://b.example:1"]"#, .addTrackers(["udp://b.example:1"])),
            (
                #""edit":"replace_tracker","place":0,"url":"\#(shownURL)","by":"http://c.example/a""#,
                .replaceTracker(wholeURL, by: "http://c.example/a")
            ),
            (#""edit":"remove_tracker","place":0,"url":"\#(shownURL)""#, .removeTrackers([wholeURL])),
        ])
    func commands(body: String, command: TorrentCommand) async throws {
        let library = FakeLibrary()
        let response = await handler(FakeGovernor(), AccessPolicy(), library).response(
            to: posting(path, edit(body)))
        #expect(response.status == 200, "\(response.text)")
        #expect(library.commands == ["\(command) on \(TorrentTargets.some([torrent(1)]))"])
        #expect(!response.text.contains("0123456789abcdef/"))
    }

    @Test(
        "What makes no sense is refused and changes nothing",
        arguments: [
            #""edit":"name""#, #""edit":"name","name":"""#, #""edit":"other""#, #""edit":1"#,
            #""edit":"path","from":"a""#,
            #""edit":"priority","files":[],"priority":"high""#,
            #""edit":"priority","files":[-1],"priority":"high""#,
            #""edit":"priority","files":["0"],"priority":"high""#,
            #""edit":"priority","files":[0],"priority":"low""#,
            #""edit":"priority","files":[99999999999999999999],"priority":"high""#,
            #""edit":"sequential","on":1"#,
            #""edit":"add_trackers","urls":[]"#, #""edit":"add_trackers","urls":[1]"#,
            #""edit":"remove_tracker","place":0"#,
            #""edit":"remove_tracker","place":-1,"url":"x""#,
            #""edit":"remove_tracker","place":0,"url":"https://other.example""#,
            #""edit":"remove_tracker","place":7,"url":"\#(shownURL)""#,
        ])
    func refusals(body: String) async throws {
        let library = FakeLibrary()
        let response = await handler(FakeGovernor(), AccessPolicy(), library).response(
            to: posting(path, edit(body)))
        #expect([400, 409].contains(response.status), "\(response.status)")
        #expect(library.commands.isEmpty)
    }

    @Test("A torrent that is not there is told, and so is what the library refuses")
    func missing() async throws {
        let gone = #"{"id":"\#(torrent(77).hex)","edit":"name","name":"x"}"#
        #expect(await handler().response(to: posting(path, gone)).status == 404)
        let library = FakeLibrary(failing: .conflict("there is a file of that name"))
        let response = await handler(FakeGovernor(), AccessPolicy(), library).response(
            to: posting(path, edit(#""edit":"name","name":"x""#)))
        #expect(response.status == 409 && response.text.contains("there is a file of that name"))
    }
}
