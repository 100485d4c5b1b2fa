"""Makes the folder that the layer is deployed as, for `sam build` and the local stack. It needs Python alone."""
