// The only file of this target that uses MPI.
import CHDF5
import CMPI
import MPI

/// Makes a file access list parallel. The corresponding C function is `H5Pset_fapl_mpio`.
func setParallel(
  _ access: borrowing OwnedID, _ ranks: Communicator, _ options: File.Options, on path: String
) throws(HDF5Error) {
  let id = access.id
  try check("H5Pset_fapl_mpio", on: path) { H5Pset_fapl_mpio(id, ranks.handle, ronchi_mpi_info_null()) }
  guard options.collectiveMetadata else { return }
  try check("H5Pset_all_coll_metadata_ops", on: path) { H5Pset_all_coll_metadata_ops(id, true) }
  try check("H5Pset_coll_metadata_write", on: path) { H5Pset_coll_metadata_write(id, true) }
}

/// How the ranks of a parallel file transfer data.
public enum Transfer: Sendable {
  /// Each rank when it likes; the only one for serial files.
  case independent
  /// All ranks together, also those that select nothing.
  case collective
}

/// Runs `body` with a transfer list; the default one for independent transfers, since making a list takes longer than
/// reading a small frame. The corresponding C function is `H5Pset_dxpl_mpio`.
func withTransferList(
  _ transfer: Transfer, on object: String, _ body: (hid_t) throws(HDF5Error) -> Void
) throws(HDF5Error) {
  if transfer == .independent { return try body(ronchi_h5p_default()) }
  let list = try propertyList(ronchi_h5p_dataset_transfer())
  try check("H5Pset_dxpl_mpio", on: object) { H5Pset_dxpl_mpio(list.id, H5FD_MPIO_COLLECTIVE) }
  try body(list.id)
}
