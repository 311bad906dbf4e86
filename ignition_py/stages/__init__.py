"""The stages in the order in which a boot runs them. Each is a module with `run(ctx: Context) -> None`."""

STAGES = {
    "fetch-offline": "ignition_py.stages.fetch_offline",
    "fetch": "ignition_py.stages.fetch",
    "kargs": "ignition_py.stages.kargs",
    "disks": "ignition_py.stages.disks",
    "mount": "ignition_py.stages.mount",
    "files": "ignition_py.stages.files",
    "umount": "ignition_py.stages.umount",
}
