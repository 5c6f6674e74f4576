"""One forge's API a module, all with the shape of `forges.api.Forge`."""
