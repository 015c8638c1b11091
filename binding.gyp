{
  "target_defaults": {
    "include_dirs": ["native", "<!@(node -p \"require('node-addon-api').include\")"],
    "defines": ["NAPI_CPP_EXCEPTIONS", "NAPI_VERSION=8"],
    "cflags!": ["-fno-exceptions"],
    "cflags_cc!": ["-fno-exceptions", "-fno-rtti", "-std=gnu++17"],
    "cflags_cc": ["-std=gnu++20", "-Wall", "-Wextra", "-Wno-cast-function-type", "-O2", "-fvisibility=hidden"],
  },
  "targets": [
    {
      "target_name": "forwarder",
      "sources": [
        "<!@(ls native/core/*.cc native/core/schedulers/*.cc native/io/*.cc native/engine/*.cc native/addon/*.cc)",
      ],
      "include_dirs": ["<(INTERMEDIATE_DIR)"],
      "libraries": ["-lxdp", "-lbpf", "-lelf", "-lz", "-lmnl", "-lpcap"],
      "actions": [
        {
          "action_name": "steer",
          "inputs": ["native/bpf/build", "native/bpf/steer.bpf.c", "native/bpf/frame.h", "native/bpf/maps.h", "native/core/live_hash.h"],
          "outputs": ["<(INTERMEDIATE_DIR)/steer_object.h"],
          "action": ["native/bpf/build", "<(INTERMEDIATE_DIR)/steer_object.h"],
        }
      ],
    },
    {
      "target_name": "host",
      "sources": [
        "<!@(ls native/host/*.cc)",
        "native/io/link_table.cc",
        "native/io/netlink.cc",
        "native/io/netlink_read.cc",
      ],
      "libraries": ["-lmnl", "-lbpf"],
    },
  ],
}
