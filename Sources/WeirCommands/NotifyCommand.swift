import CommandLineParsing
import ServiceAssembly
import WeirSettings

let notifyTestCommand = Command(
    spec: CommandSpec(
        "test", "Send a test message to whom the configuration names",
        details: [
            "Sends one message as `weir serve` would, to notifications.url, and says whether it was taken. Nothing else is needed to run."
        ],
        options: [CommonOption.config])
) { invocation throws(ServiceFailure) in
    let settings = try invocation.load().settings
    if let failure = try OneShot.run(settings, { await $0.tryNotification() }) { throw failure }
    invocation.output.print("The message was taken.")
    return .done
}
