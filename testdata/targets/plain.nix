# A generated module without nixpkgs, as data: nix-instantiate --eval --strict --json plain.nix --arg module ./configuration.nix
# lib and pkgs have what such a module may use, and give it back as a marked set.
{ module }:
let
  lib = {
    mkForce = value: { force = value; };
    mkMerge = values: { merge = values; };
  };
  pkgs = {
    fetchurl = arguments: { fetched = arguments; };
    runCommand = name: environment: command: { built = name; inherit command; };
    bashInteractive = "bash";
    fish = "fish";
    shadow = "/store/shadow";
    zsh = "zsh";
  };
  made = import module;
in
if builtins.isFunction made then made { inherit lib pkgs; config = { }; } else made
