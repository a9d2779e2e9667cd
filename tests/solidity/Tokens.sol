// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";

/// OpenZeppelin's ERC-20 with a supply that its deployer holds.
contract Erc20Model is ERC20 {
    constructor(string memory name, string memory symbol, uint256 supply) ERC20(name, symbol) {
        _mint(msg.sender, supply);
    }
}

/// OpenZeppelin's ERC-721 to which its deployer adds tokens.
contract Erc721Model is ERC721 {
    error OwnableUnauthorizedAccount(address account);

    address public immutable owner = msg.sender;

    constructor(string memory name, string memory symbol) ERC721(name, symbol) {}

    function mint(address to, uint256 tokenId) external {
        if (msg.sender != owner) revert OwnableUnauthorizedAccount(msg.sender);
        _mint(to, tokenId);
    }
}

/// Accepts every token and gives it back to whoever sent it, if the transfer's data is not empty.
contract Erc721HolderModel {
    uint256 public received;

    function onERC721Received(address, address from, uint256 tokenId, bytes calldata data) external returns (bytes4) {
        received++;
        if (data.length > 0) ERC721(msg.sender).transferFrom(address(this), from, tokenId);
        return this.onERC721Received.selector;
    }
}
